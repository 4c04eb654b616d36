import type { Deadlock, Explanation, TaskStatus } from "@muster/sdk/protocol";
import type { AgentRecord, AgentRegistry } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import { type DiscoveryPolicy, matches, obstacle } from "../discovery/rank.ts";
import { describeRoute, parseRoute } from "../queue/route.ts";
import { aheadOf } from "../queue/statements/ahead-of.ts";
import { readAttempts, readDependencies, type TaskRow } from "../queue/statements/read-tasks.ts";
import { isoTime } from "../task-view.ts";
import { createDeadlockSearch } from "./deadlocks.ts";

export interface ExplainDependencies {
  database: Database;
  registry: AgentRegistry;
  clock: Clock;
  policy: DiscoveryPolicy;
}

type Words = Omit<Explanation, "taskId" | "status">;

/** Says in words why a task is not running, or why it ended as it did: `muster why TASK`. */
export function createExplain(deps: ExplainDependencies) {
  const { database, registry, clock, policy } = deps;
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
    const attempts = await database.query(readAttempts, [task.id]);
    const cause = task.error?.taskId;
    return {
      summary: `It failed${task.attempt > 0 ? ` in attempt ${task.attempt}` : ""}: ${task.error?.code}: ${task.error?.message}`,
      reasons: attempts.map(
        (a) => `Attempt ${a.number} by ${a.agent_name}: ${a.error.code}: ${a.error.message}`,
      ),
      nextSteps: [...(cause === undefined ? [] : [`muster why ${cause}`]), `muster task retry ${task.id}`],
    };
  }

  async function onOthers(task: TaskRow, kind: string, noun: string, summary: string): Promise<Words> {
    const others = await database.query(readDependencies, [task.id, kind]);
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
    if (task.delayed && task.ready_at !== null) {
      const error =
        task.error === null ? [] : [`The last attempt failed: ${task.error.code}: ${task.error.message}`];
      return {
        summary: `It runs ${relative(task.ready_at)} (${isoTime(task.ready_at)}).`,
        reasons: error,
        nextSteps: [],
      };
    }
    const what = describeRoute(task.route);
    const able = (await registry.list(now)).filter((agent) =>
      matches(agent, parseRoute(task.route), task.tenant),
    );
    if (able.length === 0) {
      return {
        summary: `No live agent offers ${what}.`,
        reasons: ["It stays ready until one joins, its deadline passes or it is cancelled."],
        nextSteps: ["muster agents", `muster task cancel ${task.id}`],
      };
    }
    const obstacles = able.map((agent: AgentRecord) => ({ agent, why: obstacle(agent, policy, now) }));
    const free = obstacles.filter(({ why }) => why === null);
    const [queue] = await database.query(aheadOf, [task.route, task.priority, task.id]);
    const ahead = queue?.ahead ?? 0;
    return {
      summary:
        free.length === 0
          ? `All ${able.length} agents for ${what} are taken or set aside.`
          : `It is next to be handed to one of ${free.length} free agents for ${what}.`,
      reasons: [
        ...(ahead > 0 ? [`${ahead} tasks are ahead of it on the same route.`] : []),
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
