import fc from "fast-check";
import { afterEach, expect, it } from "vitest";
import type { TaskContext } from "../src/agent/task-context.ts";
import { FakeOrchestrator } from "./fake-orchestrator.ts";
import { startTestAgent, stopTestAgents } from "./start-test-agent.ts";
import { settled } from "./test-clock.ts";

afterEach(stopTestAgents);

type Action =
  | { kind: "step"; key: string }
  | { kind: "delegate"; n: number }
  | { kind: "fanOut"; numbers: number[] }
  | { kind: "together"; numbers: number[]; key: string };

const small = fc.integer({ min: 0, max: 99 });
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ kind: fc.constant("step" as const), key: fc.constantFrom("a", "b", "c", "d") }),
  fc.record({ kind: fc.constant("delegate" as const), n: small }),
  fc.record({ kind: fc.constant("fanOut" as const), numbers: fc.array(small, { maxLength: 4 }) }),
  fc.record({
    kind: fc.constant("together" as const),
    numbers: fc.array(small, { maxLength: 3 }),
    key: fc.constantFrom("a", "e"),
  }),
);

interface Crash {
  moment: "before" | "after";
  /** Counted from the last crash. */
  request: number;
}
const crash: fc.Arbitrary<Crash> = fc.record({
  moment: fc.constantFrom("before", "after"),
  request: fc.integer({ min: 1, max: 6 }),
});

const double = (input: unknown) => {
  if (input === 13) throw new Error("unlucky");
  return { double: (input as number) * 2 };
};

/** Follows a script of steps and delegations and returns everything that it saw. */
const follow = async (script: readonly Action[], ran: Map<string, number>, context: TaskContext<never>) => {
  const { step, delegate, delegateAll } = context;
  const doStep = (key: string) =>
    step(key, () => {
      const times = (ran.get(key) ?? 0) + 1;
      ran.set(key, times);
      return { key, times };
    });
  const hand = (n: number) => delegate("double", n).catch((error: Error) => error.message);
  const seen: unknown[] = [];
  for (const item of script) {
    if (item.kind === "step") seen.push(await doStep(item.key));
    else if (item.kind === "delegate") seen.push(await hand(item.n));
    else if (item.kind === "fanOut") {
      const results = await delegateAll(item.numbers.map((input) => ({ capability: "double", input })));
      seen.push(results.map(({ status, output, error }) => [status, output, error?.message]));
    } else seen.push(await Promise.all([...item.numbers.map(hand), doStep(item.key)]));
  }
  return seen;
};

/** Runs a script; the agent's process dies around its n-th request, and a new one takes over. */
const run = async (script: readonly Action[], crashes: readonly Crash[], slow: boolean) => {
  const orchestrator = new FakeOrchestrator();
  const ran = new Map<string, number>();
  /** How often each step had been run when it was first recorded. */
  const recorded = new Map<string, number>();
  const pending = [...crashes];
  let requests = 0;
  let agentId = "";
  if (!slow) orchestrator.scripts.set("double", double);
  const birth = async () => {
    const { agent } = await startTestAgent(orchestrator, (context) => follow(script, ran, context));
    agentId = agent.id as string;
  };
  const crashAt = (moment: Crash["moment"]) => {
    const [next] = pending;
    if (next?.moment !== moment || requests < next.request) return;
    pending.shift();
    requests = 0;
    orchestrator.crash(agentId);
    void birth();
  };
  orchestrator.before = () => {
    requests++;
    crashAt("before");
  };
  orchestrator.after = (operation, { key }) => {
    const isFirst = operation === "journal" && !recorded.has(key as string);
    if (isFirst) recorded.set(key as string, ran.get(key as string) ?? 0);
    crashAt("after");
  };
  await birth();
  const task = orchestrator.submit({ capability: "work", retry: { maxAttempts: 100 } });
  for (let turn = 0; turn < 200 && task.status !== "completed"; turn++) {
    await settled();
    if (slow) finishOne(orchestrator);
  }
  return { task, orchestrator, ran, recorded, crashed: crashes.length - pending.length };
};

/** Sub-tasks are done by and by, so that the parent parks and is resumed. */
const finishOne = (orchestrator: FakeOrchestrator) => {
  const open = [...orchestrator.tasks.values()].find(
    ({ parentId, status }) => parentId !== null && status === "ready",
  );
  if (open === undefined) return;
  try {
    orchestrator.finish(open.id, double(open.input));
  } catch (error) {
    orchestrator.failTask(open.id, { code: "script_error", message: (error as Error).message });
  }
};

it("a handler that is crashed anywhere and replayed gives the same result and repeats no recorded step", async () => {
  let crashed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 7 }),
      fc.array(crash, { maxLength: 3 }),
      fc.boolean(),
      async (script, crashes, slow) => {
        const smooth = await run(script, [], slow);
        const rough = await run(script, crashes, slow);
        crashed += rough.crashed;
        expect(rough.task.status).toBe("completed");
        // A step that ran but was not recorded may run again; what it gave when it was recorded is what counts.
        for (const [key, times] of rough.recorded) expect([key, rough.ran.get(key)]).toEqual([key, times]);
        expect(rough.task.journal.map(({ key }) => key).sort()).toEqual([...smooth.recorded.keys()].sort());
        expect(withoutTimes(rough.task.output)).toBe(withoutTimes(smooth.task.output));
        // Never more sub-tasks than without a crash: each delegation met those of the attempt before.
        expect(rough.orchestrator.tasks.size).toBe(smooth.orchestrator.tasks.size);
        expect(rough.orchestrator.accepted.filter(({ taskId }) => taskId === rough.task.id)).toHaveLength(1);
      },
    ),
    { numRuns: 200 },
  );
  expect(crashed).toBeGreaterThan(100);
});

const withoutTimes = (output: unknown) => JSON.stringify(output).replaceAll(/"times":\d+/g, '"times":1');
