import type { Message, TaskAssignment } from "@muster/sdk/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Database } from "../../ports/database.ts";
import { freshDatabase, orchestrate, root, someone } from "../orchestrate.ts";

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

it("a cancel reaches a task that was retried by hand below one that has ended", async () => {
  const muster = await orchestrate(database);
  const { gateway, tasks } = muster.orchestrator;
  const inbox: TaskAssignment[] = [];
  const receive = ({ type, payload }: Message) => {
    if (type === "task_request") inbox.push(payload as TaskAssignment);
  };
  const registration = { name: "all", maxConcurrency: 8, capabilities: [{ name: "job" }] };
  const { agentId } = await gateway.register(registration, root, receive);
  const next = async (taskId: string) => {
    await expect.poll(() => inbox.some((assignment) => assignment.taskId === taskId)).toBe(true);
    return inbox.find((assignment) => assignment.taskId === taskId)!.leaseToken;
  };
  const delegate = async (taskId: string) => {
    const sub = { taskId, leaseToken: await next(taskId), key: "sub", tasks: [{ capability: "job" }] };
    return (await gateway.request(agentId, "delegate", sub)).taskIds[0]!;
  };
  const fail = async (taskId: string) => {
    const outcome = { status: "failed", error: { code: "broken", message: "no", retryable: false } };
    await gateway.request(agentId, "settle", { taskId, leaseToken: await next(taskId), outcome });
  };

  const [top] = await tasks.submit([{ capability: "job" }], someone);
  const middle = await delegate(top!.id);
  const bottom = await delegate(middle);
  await fail(bottom);
  await fail(middle);
  await tasks.retry(bottom, someone);
  const report = await tasks.cancel(top!.id, someone);
  expect(new Set(report.cancelled)).toEqual(new Set([top!.id, bottom]));
  expect((await tasks.get(bottom, someone)).status).toBe("cancelled");
  await muster.stop();
});
