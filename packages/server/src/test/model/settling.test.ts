import type { Message, TaskAssignment } from "@muster/sdk/protocol";
import { expect, it } from "vitest";
import { root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator();

/** An agent that keeps what it is given, and one task in its hands. */
async function holdTask() {
  const { gateway, tasks } = at.muster.orchestrator;
  let assignment: TaskAssignment | undefined;
  const receive = (message: Message) => {
    if (message.type === "task_request") assignment = message.payload as TaskAssignment;
  };
  const { agentId } = await gateway.register(
    { name: "holder", capabilities: [{ name: "job" }] },
    root,
    receive,
  );
  const [task] = await tasks.submit([{ capability: "job", retry: { maxAttempts: 2, delayMs: 1 } }], someone);
  await expect.poll(() => assignment).toBeDefined();
  const settle = (leaseToken: string, outcome: object) =>
    gateway.request(agentId, "settle", { taskId: task!.id, leaseToken, outcome });
  return { id: task!.id, token: assignment!.leaseToken, settle };
}

const completed = (output: unknown) => ({ status: "completed", output });
const failed = (message: string) => ({
  status: "failed",
  error: { code: "broken", message, retryable: false },
});
const verdicts = async (calls: Promise<unknown>[]) =>
  (await Promise.allSettled(calls)).map(({ status }) => status);

it("accepts one of two results that come under the same lease at the same moment", async () => {
  const { id, token, settle } = await holdTask();
  expect(await verdicts([settle(token, completed("first")), settle(token, completed("second"))])).toEqual([
    "fulfilled",
    "rejected",
  ]);
  expect((await at.muster.orchestrator.tasks.get(id, someone)).output).toBe("first");
});

it("accepts one of two failures that come under the same lease at the same moment", async () => {
  const { id, token, settle } = await holdTask();
  expect(await verdicts([settle(token, failed("first")), settle(token, failed("second"))])).toEqual([
    "fulfilled",
    "rejected",
  ]);
  expect((await at.muster.orchestrator.tasks.get(id, someone)).error?.message).toBe("first");
});

it("does not take the word of a stale lease because the live one reports at the same moment", async () => {
  const { id, token, settle } = await holdTask();
  const stale = "01a20433-0000-7000-8000-000000000000";
  expect(await verdicts([settle(stale, failed("stale")), settle(token, failed("live"))])).toEqual([
    "rejected",
    "fulfilled",
  ]);
  expect((await at.muster.orchestrator.tasks.get(id, someone)).error?.message).toBe("live");
});
