import {
  type AgentDefinition,
  type CapabilityDefinition,
  MusterError,
  type TaskContext,
  type TaskResult,
} from "@muster/sdk";
import type { TSchema } from "typebox";
import Value from "typebox/value";

/** What a run of handlers left behind, for tests to look at. */
export interface Workbench {
  /** Does one task, checked against the schemas of its capability on both sides. */
  run<Output>(capability: string, input: unknown): Promise<Output>;
  /** Delegated tasks by capability, in the order of their beginning. */
  readonly delegated: { capability: string; input: unknown; key: string | undefined }[];
  readonly progress: { fraction: number; message: string | undefined }[];
  readonly logs: { level: string; message: string }[];
}

export interface WorkbenchOptions {
  signal?: AbortSignal;
  /** Takes the place of a capability's handler. */
  stubs?: Record<string, (input: unknown) => unknown>;
}

/** An orchestrator in a nutshell: it routes every task, delegated ones too, to the agent that has the capability. */
export const createWorkbench = (agents: AgentDefinition[], options: WorkbenchOptions = {}): Workbench => {
  const signal = options.signal ?? new AbortController().signal;
  const bench: Omit<Workbench, "run"> = { delegated: [], progress: [], logs: [] };
  const taken = new Map<AgentDefinition, number>();
  const waiting: (() => void)[] = [];
  let tasks = 0;

  const run = async (name: string, input: unknown): Promise<unknown> => {
    const stub = options.stubs?.[name];
    if (stub !== undefined) return stub(input);
    const agent = agents.find(({ capabilities }) => capabilities.some((one) => one.name === name));
    const capability = agent?.capabilities.find((one) => one.name === name);
    if (agent === undefined || capability === undefined) {
      throw new MusterError("not_found", `Nobody offers ${name}.`);
    }
    check(capability, "inputSchema", input);
    const output = await withSlot(agent, async () => capability.handler(contextOf(name, input)));
    check(capability, "outputSchema", output);
    return JSON.parse(JSON.stringify(output));
  };

  /** No agent gets more tasks at once than it wants. */
  const withSlot = async <T>(agent: AgentDefinition, work: () => Promise<T>): Promise<T> => {
    while ((taken.get(agent) ?? 0) >= (agent.maxConcurrency ?? 1)) {
      await new Promise<void>((resume) => waiting.push(resume));
    }
    taken.set(agent, (taken.get(agent) ?? 0) + 1);
    try {
      return await work();
    } finally {
      taken.set(agent, taken.get(agent)! - 1);
      for (const resume of waiting.splice(0)) resume();
    }
  };

  const delegate = async (name: string, input: unknown, key?: string): Promise<unknown> => {
    bench.delegated.push({ capability: name, input, key });
    return run(name, JSON.parse(JSON.stringify(input)));
  };

  const settle = async (name: string, input: unknown, key?: string): Promise<TaskResult> => {
    tasks += 1;
    const id = `task-${tasks}`;
    try {
      return { id, status: "completed", output: await delegate(name, input, key), error: null };
    } catch (error) {
      const { code, message } = error as MusterError;
      return { id, status: "failed", output: null, error: { code: code ?? "internal", message } };
    }
  };

  const contextOf = (capability: string, input: unknown): TaskContext => {
    const journal = new Map<string, unknown>();
    const unsupported = () =>
      Promise.reject(new Error("the built-in agents send no messages and no files, and spend nothing"));
    return {
      taskId: "00000000-0000-7000-8000-000000000001",
      runId: null,
      capability,
      input,
      priority: "medium",
      attempt: 1,
      maxAttempts: 4,
      signal: AbortSignal.any([signal]),
      ask: unsupported,
      approve: unsupported,
      artifacts: {
        put: unsupported,
        get: unsupported,
        head: unsupported,
        list: unsupported,
        delete: unsupported,
      },
      memory: { remember: unsupported, recall: unsupported, forget: unsupported, list: unsupported },
      remember: unsupported,
      recall: unsupported,
      state: {
        project: () => ({
          get: unsupported,
          put: unsupported,
          mergePatch: unsupported,
          jsonPatch: unsupported,
          delete: unsupported,
          update: unsupported,
          list: unsupported,
          versions: unsupported,
          watch: () => ({ [Symbol.asyncIterator]: () => ({ next: unsupported }) }),
        }),
      },
      async step<T>(key: string, work: () => Promise<T> | T): Promise<T> {
        if (!journal.has(key)) journal.set(key, JSON.parse(JSON.stringify(await work())));
        return journal.get(key) as T;
      },
      delegate: <T>(name: string, given: unknown, how?: { key?: string }) =>
        delegate(name, given, how?.key) as Promise<T>,
      spend: unsupported,
      withinBudget: unsupported,
      delegateAll: (submissions, how) =>
        Promise.all(submissions.map((one) => settle(one.capability ?? "", one.input, how?.key))),
      lock: unsupported,
      locks: { acquire: unsupported, hold: unsupported },
      findAgents: unsupported,
      send: unsupported,
      broadcast: unsupported,
      query: unsupported,
      progress: (fraction, message) => void bench.progress.push({ fraction, message }),
      stream: () => undefined,
      log: (level, message) => void bench.logs.push({ level, message }),
    };
  };

  return { ...bench, run: run as Workbench["run"] };
};

const check = (
  capability: CapabilityDefinition,
  side: "inputSchema" | "outputSchema",
  value: unknown,
): void => {
  const errors = Value.Errors(capability[side] as TSchema, value);
  if (errors.length === 0) return;
  const code = side === "inputSchema" ? "invalid_input" : "invalid_output";
  throw new MusterError(code, `${capability.name}: ${JSON.stringify(errors[0])}`);
};
