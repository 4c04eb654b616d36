import {
  type AgentOperation,
  type AgentRequest,
  type AgentResponse,
  limits,
  MusterError,
  type Usage,
} from "@muster/sdk/protocol";
import type { AgentRecord, AgentRegistry } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Announce } from "../aftermath.ts";
import type { Amount } from "../budgets/ledger.ts";
import type { RecordUsage } from "../budgets/record-usage.ts";
import type { Settle } from "../completion/settle.ts";
import type { CapabilitySchemas } from "../discovery/capability-schemas.ts";
import { createGroup, type NextTurn } from "../group.ts";
import type { Locking } from "../locks/lock-service.ts";
import type { MemoryService, StateService } from "../orchestrator.ts";
import { writeJournal } from "../queue/statements/journal.ts";
import { readTasks } from "../queue/statements/read-tasks.ts";
import { renewLeases } from "../queue/statements/renew-leases.ts";
import { tellOfTask } from "../queue/statements/tell-of-task.ts";
import type { Streams } from "../streams/streams.ts";
import { payload, payloadText } from "../validate.ts";
import type { AgentLife } from "./agent-life.ts";
import { createFindAgents } from "./find-agents.ts";
import type { HeldTasks } from "./held-tasks.ts";
import { leaseLost } from "./lease-lost.ts";
import type { Mail } from "./mail.ts";
import { createMemoryOperations } from "./memory-operations.ts";
import { createStateOperations } from "./state-operations.ts";
import type { createSubTasks } from "./sub-tasks.ts";

export interface OperationDependencies {
  database: Database;
  registry: AgentRegistry;
  clock: Clock;
  settle: Settle;
  schemas: CapabilitySchemas;
  life: AgentLife;
  mail: Mail;
  subTasks: ReturnType<typeof createSubTasks>;
  state: StateService;
  memories: MemoryService;
  locking: Pick<Locking, "service">;
  announce: Announce;
  recordUsage: RecordUsage;
  streams: Pick<Streams, "say">;
  leaseMs: number;
  nextTurn?: NextTurn;
}

export interface Caller {
  agent: AgentRecord;
  held: HeldTasks;
}

export type Handlers = {
  [O in AgentOperation]: (caller: Caller, request: AgentRequest<O>) => Promise<AgentResponse<O>>;
};

interface Entry {
  task_id: string;
  token: string;
  key: string;
  /** JSON text. */
  value: string;
}

const amountOf = ({ moneyMicros = 0, tokens = 0 }: Omit<Usage, "key">): Amount => ({
  money: moneyMicros,
  tokens,
});

/** What registered agents can do, one handler per operation of the agent protocol. */
export function createOperations(deps: OperationDependencies) {
  const { database, clock, settle, schemas, life, mail, subTasks, announce, locking, leaseMs, nextTurn } =
    deps;
  const { recordUsage } = deps;
  const journalGroup = createGroup<Entry, "recorded" | "full" | "lost">({
    most: 200,
    nextTurn,
    run: recordTogether,
  });
  const renewGroup = createGroup<{ id: string; token: string }, boolean>({
    most: 500,
    nextTurn,
    run: renewTogether,
  });

  async function recordTogether(entries: Entry[]) {
    const rows = entries.map(
      ({ value, ...entry }) => `${JSON.stringify(entry).slice(0, -1)},"value":${value}}`,
    );
    const most = limits.journalEntriesPerTask;
    const live = await database.query(writeJournal, [`[${rows.join(",")}]`, clock.now(), most]);
    const byId = new Map(live.map((row) => [row.task_id, row]));
    return entries.map(({ task_id, token }) => {
      const row = byId.get(task_id);
      if (row === undefined || row.token !== token) return "lost";
      return row.entries < most ? "recorded" : "full";
    });
  }

  async function renewTogether(leases: { id: string; token: string }[]): Promise<boolean[]> {
    const ids = leases.map((lease) => lease.id);
    const tokens = leases.map((lease) => lease.token);
    const live = await database.query(renewLeases, [ids, tokens, clock.now(), leaseMs]);
    const tokenOf = new Map(live.map((row) => [row.id, row.lease_token]));
    return leases.map((lease) => tokenOf.get(lease.id) === lease.token);
  }

  /** Null where the output fits the schema of the capability that the agent offers. */
  async function outputMismatch(
    { agent, held }: Caller,
    taskId: string,
    output: unknown,
  ): Promise<string | null> {
    if (agent.capabilities.every(({ outputSchema }) => outputSchema === undefined)) return null;
    let capability = held.capabilityOf(taskId);
    if (capability === undefined)
      capability = (await database.query(readTasks, [[taskId]]))[0]?.capability ?? null;
    const offer = agent.capabilities.find((c) => c.name === capability);
    return schemas.mismatch(offer?.outputSchema, output);
  }

  async function tell(type: "task.progress" | "task.log", taskId: string, token: string, data: object) {
    const text = payloadText(data, "The report");
    const [told] = await database.query(tellOfTask, [taskId, token, type, clock.now(), text]);
    if (told === undefined) throw leaseLost(taskId);
    announce({});
    return {};
  }

  /** Before the result itself: what was spent counts even where the result is not accepted. */
  async function countUsage(taskId: string, token: string, { key, ...used }: Usage): Promise<void> {
    await recordUsage({
      taskId,
      token,
      key: key ?? `result:${token}`,
      kind: "spent",
      amount: amountOf(used),
    });
  }

  const handlers: Handlers = {
    async heartbeat({ agent }, { status, tasks = [] }) {
      // Side by side: leases are renewed however long the registry takes to answer.
      const [known, live] = await Promise.all([
        life.heartbeat(agent, status),
        Promise.all(tasks.map((task) => renewGroup({ id: task.taskId, token: task.leaseToken }))),
      ]);
      if (!known) {
        throw new MusterError("agent_unknown", `Agent ${agent.id} expired.`, { hint: "Register again." });
      }
      return { lost: tasks.filter((_, index) => !live[index]).map((task) => task.taskId) };
    },

    async settle(caller, { taskId, leaseToken, outcome, usage }) {
      if (usage !== undefined) await countUsage(taskId, leaseToken, usage);
      let told: Parameters<Settle>[0]["outcome"] =
        outcome.status === "failed"
          ? { status: "failed", error: payload(outcome.error, "The error") }
          : { status: "completed", output: null };
      let mismatch: string | null = null;
      if (outcome.status === "completed") {
        const output = payload(outcome.output ?? null, "The output");
        told = { status: "completed", output };
        mismatch = await outputMismatch(caller, taskId, output);
      }
      const message = `The output breaks the capability's schema: ${mismatch}.`;
      if (mismatch !== null) told = { status: "failed", error: { code: "invalid_output", message } };
      const verdict = await settle({
        taskId,
        token: leaseToken,
        outcome: told,
        agentId: caller.agent.id,
        agent: caller.agent,
      });
      if (!verdict.accepted) throw leaseLost(taskId);
      caller.held.forget(taskId);
      if (mismatch !== null)
        throw new MusterError("invalid_output", message, { hint: "The attempt counts as failed." });
      return { accepted: true };
    },

    async journal(_, { taskId, leaseToken, key, value }) {
      const text = payloadText(value, "The journal entry");
      const verdict = await journalGroup({ task_id: taskId, token: leaseToken, key, value: text });
      if (verdict === "lost") throw leaseLost(taskId);
      if (verdict === "full") {
        throw new MusterError(
          "limit_exceeded",
          `A task's journal holds ${limits.journalEntriesPerTask} entries at most.`,
        );
      }
      return { recorded: true };
    },

    async usage(_, { taskId, leaseToken, key, kind, ...used }) {
      return recordUsage({ taskId, token: leaseToken, key, kind, amount: amountOf(used) });
    },

    delegate: (_, request) => subTasks.delegate(request),
    wait: ({ agent }, request) => subTasks.wait(agent.id, request),
    lock: ({ agent }, { taskId, leaseToken, ...request }) =>
      locking.service.under({ agentId: agent.id, taskId, leaseToken }, agent.name).acquire(request),
    renewLock: ({ agent }, { taskId, leaseToken, ...request }) =>
      locking.service.under({ agentId: agent.id, taskId, leaseToken }, agent.name).renew(request),
    unlock: ({ agent }, { taskId, leaseToken, ...grant }) =>
      locking.service.under({ agentId: agent.id, taskId, leaseToken }, agent.name).release(grant),
    progress: (_, { taskId, leaseToken, ...data }) => tell("task.progress", taskId, leaseToken, data),
    log: (_, { taskId, leaseToken, ...data }) => tell("task.log", taskId, leaseToken, data),
    stream: (_, request) => deps.streams.say(request),
    send: ({ agent }, { to, payload }) => mail.send(agent, to, payload),
    broadcast: ({ agent }, { payload }) => mail.broadcast(agent, payload),
    query: ({ agent }, { to, payload, timeoutMs }) => mail.query(agent, to, payload, timeoutMs),
    reply: ({ agent }, { to, correlationId, payload }) => mail.reply(agent, to, correlationId, payload),
    ...createStateOperations(deps.state),
    ...createMemoryOperations(deps.memories),
    findAgents: createFindAgents(deps),
    leave: async () => ({}),
  };

  return {
    run<O extends AgentOperation>(
      operation: O,
      caller: Caller,
      request: AgentRequest<O>,
    ): Promise<AgentResponse<O>> {
      return handlers[operation](caller, request);
    },
  };
}

export type Operations = ReturnType<typeof createOperations>;
