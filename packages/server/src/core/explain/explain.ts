import type { Deadlock, Explanation, TaskStatus } from "@muster/sdk/protocol";
import type { AgentRecord, AgentRegistry } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import { type DiscoveryPolicy, isFit, matches, obstacle } from "../discovery/rank.ts";
import { describeRoute, parseRoute } from "../queue/route.ts";
import { aheadOf } from "../queue/statements/ahead-of.ts";
import { readAttempts, readDependencies, type TaskRow } from "../queue/statements/read-tasks.ts";
import { readBudget } from "../queue/statements/retry-budgets.ts";
import type { Breakers } from "../resilience/breakers.ts";
import type { RolloutBoard } from "../rollouts/rollout-board.ts";
import { isoTime } from "../task-view.ts";
import { createDeadlockSearch } from "./deadlocks.ts";
import { explainBudget } from "./explain-budgets.ts";
import { explainInbox } from "./explain-inbox.ts";
import { describeAttempts, explainHeld } from "./explain-retries.ts";
import { findStuckSlots } from "./stuck-slots.ts";

export interface ExplainDependencies {
  database: Database;
  registry: AgentRegistry;
  clock: Clock;
  policy: DiscoveryPolicy;
  breakers: Pick<Breakers, "of">;
  rollouts: Pick<RolloutBoard, "seating">;
}

export type Words = Omit<Explanation, "taskId" | "status">;

/** Says in words why a task is not running, or why it ended as it did: `muster why TASK`. */
export function createExplain(deps: ExplainDependencies) {
  const { database, registry, clock, policy, breakers } = deps;
  const findDeadlocks = createDeadlockSearch(deps);

  const wordsOf: Record<TaskStatus, (task: TaskRow) => Promise<Words> | Words> = {
    completed: (task) => ({
      summary: `It was completed by ${task.agent_name} in attempt ${task.attempt}.`,
      reasons: [],
      nextSteps: [],
    }),
    failed: failed,
    cancelled: (task) => ({
      summary: task.error?.message ?? "It was cancelled.",
      reasons: [],
      nextSteps: [`muster task retry ${task.id}`],
    }),
    in_progress: (task) => ({
      summary: `${task.agent_name} is working on it, attempt ${task.attempt} of ${task.max_attempts}, for ${seconds(clock.now() - (task.started_at ?? clock.now()))}.`,
      reasons: [
        `Its lease ends ${relative(task.lease_until)} unless the agent sends a heartbeat.`,
        `The attempt times out ${relative(task.timeout_at)}.`,
      ],
      nextSteps: [`muster events --follow --task ${task.id}`],
    }),
    waiting: async (task) =>
      onOthers(task, "wait", "sub-task", "It waits for sub-tasks; its agent's slot is free meanwhile."),
    blocked: async (task) =>
      onOthers(task, "need", "task", `It waits for tasks that it depends on (join: ${task.join_policy}).`),
    ready,
  };

  async function failed(task: TaskRow): Promise<Words> {
    const attempts = await database.query(readAttempts, [[task.id]]);
    const cause = task.error?.taskId;
    return {
      summary: `It failed${task.attempt > 0 ? ` in attempt ${task.attempt}` : ""}: ${task.error?.code}: ${task.error?.message}`,
      reasons: describeAttempts(attempts),
      nextSteps: [...(cause === undefined ? [] : [`muster why ${cause}`]), `muster task retry ${task.id}`],
    };
  }

  const readBudgetOf = async (tenant: string, capability: string) =>
    (await database.query(readBudget, [tenant, capability]))[0];

  async function onOthers(task: TaskRow, kind: string, noun: string, summary: string): Promise<Words> {
    const others = await database.query(readDependencies, [[task.id], kind]);
    const open = others.filter(
      (o) => !["completed", "failed", "cancelled"].includes(o.status ?? "completed"),
    );
    const stuck = (await findDeadlocks("*")).filter((deadlock) => deadlock.taskIds.includes(task.id));
    return {
      summary,
      reasons: [
        ...stuck.map((deadlock) => deadlock.reason),
        ...open.slice(0, 20).map((o) => `${noun} ${o.id} is ${o.status}`),
        ...(open.length > 20 ? [`and ${open.length - 20} more`] : []),
      ],
      nextSteps: open.slice(0, 1).map((o) => `muster why ${o.id}`),
    };
  }

  async function ready(task: TaskRow): Promise<Words> {
    const now = clock.now();
    if (task.delayed) {
      if (task.ready_at === null && task.budget_id !== null && task.retry_gated === null)
        return explainBudget(database, { ...task, budget_id: task.budget_id });
      const tried = describeAttempts(await database.query(readAttempts, [[task.id]]));
      if (task.ready_at === null && task.capability !== null)
        return explainHeld(
          await readBudgetOf(task.tenant, task.capability),
          task.capability,
          tried,
          relative,
        );
      return {
        summary: `It runs ${relative(task.ready_at)} (${isoTime(task.ready_at ?? now)}).`,
        reasons: tried,
        nextSteps: [],
      };
    }
    const what = describeRoute(task.route);
    const able = (await registry.list(now)).filter((agent) =>
      matches(agent, parseRoute(task.route), task.tenant),
    );
    const inbox = able.length === 0 ? await explainInbox(database, task, now, relative) : null;
    if (inbox !== null) return inbox;
    if (able.length === 0) {
      return {
        summary: `No live agent offers ${what}.`,
        reasons: ["It stays ready until one joins, its deadline passes or it is cancelled."],
        nextSteps: ["muster agents", `muster task cancel ${task.id}`],
      };
    }
    const seating = deps.rollouts.seating(task.route);
    const isFitNow = (agent: AgentRecord) => isFit(agent, policy, now, breakers.of(agent.id));
    const sideLacks = !able.some((agent) => seating?.isSeated(agent) === true && isFitNow(agent));
    const isApart = (agent: AgentRecord) =>
      seating?.isSeated(agent) === false && !(sideLacks && seating.mayStandIn?.(agent) === true);
    const obstacles = able.map((agent: AgentRecord) => ({
      agent,
      why: isApart(agent)
        ? `is on the other side of rollout ${seating?.rolloutId}`
        : obstacle(agent, policy, now, breakers.of(agent.id)),
    }));
    const free = obstacles.filter(({ why }) => why === null);
    const [queue] = await database.query(aheadOf, [task.route, task.priority, task.id]);
    const ahead = queue?.ahead ?? 0;
    const stuck =
      free.length > 0 ? [] : await findStuckSlots(database, await registry.list(now), task.tenant, now);
    return {
      summary: describeAgents(able.length, free.length, what),
      reasons: [
        ...stuck.filter(({ taskIds }) => taskIds.includes(task.id)).map(({ reason }) => reason),
        ...(ahead > 0
          ? [`${ahead === 1 ? "1 task is" : `${ahead} tasks are`} ahead of it on the same route.`]
          : []),
        ...obstacles
          .filter(({ why }) => why !== null)
          .slice(0, 20)
          .map(({ agent, why }) => `${agent.name} (${agent.id}) ${why}`),
      ],
      nextSteps: free.length === 0 ? ["muster agents"] : [],
    };
  }

  function relative(at: number | null): string {
    if (at === null) return "never";
    const ms = at - clock.now();
    return ms >= 0 ? `in ${seconds(ms)}` : `${seconds(-ms)} ago`;
  }

  return {
    async explain(task: TaskRow): Promise<Explanation> {
      const status = task.status as TaskStatus;
      return { taskId: task.id, status, ...(await wordsOf[status](task)) };
    },
    deadlocks: (tenant: string): Promise<Deadlock[]> => findDeadlocks(tenant),
  };
}

export type Explain = ReturnType<typeof createExplain>;

function seconds(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 90_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

function describeAgents(able: number, free: number, what: string): string {
  if (free > 1) return `It is next to be handed to one of ${free} free agents for ${what}.`;
  if (free === 1) return `It is next to be handed to the free agent for ${what}.`;
  if (able > 1) return `All ${able} agents for ${what} are taken or set aside.`;
  return `The only agent for ${what} is taken or set aside.`;
}
