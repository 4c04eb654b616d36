import { isFinal } from "@muster/sdk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { expectRefused, nobody, useTarget } from "./support/hostile-client.ts";
import { type Joined, joinAs } from "./support/http-agent.ts";
import type { RawCall } from "./support/raw-client.ts";

// Agents that break the rules of the protocol: each gets its error, and the task is none the worse for it.

const mebibyte = 1024 * 1024;
const target = useTarget();

describe("an agent that breaks the rules", () => {
  let agent: Joined;
  const schema = {
    type: "object",
    required: ["n"],
    properties: { n: { type: "integer" } },
    additionalProperties: false,
  };
  beforeEach(async () => {
    agent = await joinAs(target.call, target.keys.agent, "rogue", [{ name: "count", outputSchema: schema }]);
  });
  afterEach(async () => {
    await agent.operation("leave", {});
    const { items } = await target.root.tasks.list({ capability: "count", limit: 500 });
    for (const { id, status } of items) if (!isFinal(status)) await target.root.tasks.cancel(id);
  });

  const submit = async (body = {}) => {
    const retry = { maxAttempts: 2, delayMs: 1 };
    const { json } = await target.call({
      path: "/v1/tasks",
      key: target.keys.client,
      body: { capability: "count", retry, ...body },
    });
    return json.tasks[0].id as string;
  };
  const look = async (id: string) =>
    (await target.call({ path: `/v1/tasks/${id}`, key: target.keys.client })).json;
  const completed = { status: "completed", output: { n: 1 } };

  test("settles with a token that was never given, or is not given any more", async () => {
    const id = await submit();
    const first = await agent.nextTask();
    expect(first.taskId).toBe(id);
    const settle = (leaseToken: string, outcome: unknown) =>
      agent.request("settle", { taskId: id, leaseToken, outcome });
    await expectRefused(target, settle(nobody, completed), 409, "lease_lost");
    await expectRefused(target, settle("abc", completed), 400, "invalid_request");
    expect(await look(id)).toMatchObject({ status: "in_progress", output: null });

    const failed = { status: "failed", error: { code: "again", message: "please" } };
    expect(await target.call(settle(first.leaseToken, failed))).toMatchObject({ status: 200 });
    const second = await agent.nextTask();
    expect(second).toMatchObject({ taskId: id, attempt: 2 });
    await expectRefused(target, settle(first.leaseToken, completed), 409, "lease_lost");
    for (const [operation, body] of [
      ["journal", { key: "k", value: 1 }],
      ["progress", { fraction: 1 }],
      ["log", { level: "info", message: "m" }],
      ["delegate", { key: "k", tasks: [{ capability: "a" }] }],
      ["wait", { taskIds: [nobody], mode: "all" }],
    ] as const) {
      const stale = agent.request(operation, { taskId: id, leaseToken: first.leaseToken, ...body });
      await expectRefused(target, stale, 409, "lease_lost");
    }
    expect(await look(id)).toMatchObject({ status: "in_progress", output: null });
    expect(await target.call(settle(second.leaseToken, completed))).toMatchObject({
      status: 200,
      json: { accepted: true },
    });
    await expectRefused(
      target,
      settle(second.leaseToken, { status: "completed", output: { n: 2 } }),
      409,
      "lease_lost",
    );
    expect(await look(id)).toMatchObject({ status: "completed", output: { n: 1 } });
    const { json } = await target.call({
      path: `/v1/events?taskId=${id}&types=task.completed`,
      key: target.keys.client,
    });
    expect(json.items).toHaveLength(1);
    expect(
      (await target.call({ path: "/v1/tasks?capability=a", key: target.keys.client })).json.items,
    ).toEqual([]);
    // The tokens themselves are nobody's business.
    const shown = await Promise.all(
      [`/v1/events?taskId=${id}`, `/v1/tasks/${id}`, `/v1/tasks/${id}/why`].map((path) =>
        target.call({ path, key: target.keys.client }),
      ),
    );
    expect(JSON.stringify(shown)).not.toMatch(new RegExp(`${first.leaseToken}|${second.leaseToken}`));
  });

  test("settles a task that was cancelled", async () => {
    const id = await submit();
    const { leaseToken } = await agent.nextTask();
    await target.call({ path: `/v1/tasks/${id}/cancel`, method: "POST", key: target.keys.client });
    await expectRefused(
      target,
      agent.request("settle", { taskId: id, leaseToken, outcome: completed }),
      409,
      "lease_lost",
    );
    expect(await look(id)).toMatchObject({ status: "cancelled", output: null });
  });

  test("gives an output that breaks its schema", async () => {
    const id = await submit({ retry: { maxAttempts: 1 } });
    const { leaseToken } = await agent.nextTask();
    const outcome = { status: "completed", output: { n: "one" } };
    const { detail } = await expectRefused(
      target,
      agent.request("settle", { taskId: id, leaseToken, outcome }),
      422,
      "invalid_output",
    );
    expect(detail).toMatch(/\/n/);
    expect(await look(id)).toMatchObject({
      status: "failed",
      output: null,
      error: { code: "invalid_output" },
    });
  });

  test("asks for what there is not, or sends what does not fit", async () => {
    const id = await submit();
    const lease = { taskId: id, leaseToken: (await agent.nextTask()).leaseToken };
    await expectRefused(target, agent.request("explode", {}), 404, "not_found");
    await expectRefused(target, agent.request("journal", { ...lease, key: "k" }), 400, "invalid_request");
    await expectRefused(
      target,
      agent.request("journal", { ...lease, key: "", value: 1 }),
      400,
      "invalid_request",
    );
    const large = "x".repeat(2 * mebibyte);
    await expectRefused(
      target,
      agent.request("journal", { ...lease, key: "k", value: large }),
      413,
      "payload_too_large",
    );
    const deep = JSON.parse(`${"[".repeat(100)}${"]".repeat(100)}`);
    await expectRefused(
      target,
      agent.request("journal", { ...lease, key: "k", value: deep }),
      422,
      "limit_exceeded",
    );
    await expectRefused(target, agent.request("progress", { ...lease, fraction: 2 }), 400, "invalid_request");
    await expectRefused(
      target,
      agent.request("wait", { ...lease, taskIds: [nobody], mode: "all" }),
      404,
      "not_found",
    );
    const tasks = [{ ref: "a", capability: "sub", dependsOn: ["a"] }];
    await expectRefused(target, agent.request("delegate", { ...lease, key: "k", tasks }), 422, "cycle");
    await expectRefused(
      target,
      agent.request("query", { to: "ghost", payload: 1, timeoutMs: 100 }),
      404,
      "not_found",
    );
    expect(
      (await target.call({ path: `/v1/tasks?parentId=${id}`, key: target.keys.client })).json.items,
    ).toEqual([]);
    // None of this cost it the task, and nothing of it is in the journal.
    const error = { code: "again", message: "please" };
    expect(await agent.operation("settle", { ...lease, outcome: { status: "failed", error } })).toMatchObject(
      { status: 200 },
    );
    expect(await agent.nextTask()).toMatchObject({ taskId: id, attempt: 2, journal: [] });
  });

  test("speaks for another agent, or with a key in the place of its session", async () => {
    const other = await joinAs(target.call, target.keys.agent, "honest", [{ name: "other" }]);
    const id = await submit();
    const { leaseToken } = await agent.nextTask();
    const body = { taskId: id, leaseToken, outcome: completed };
    await expectRefused(target, agent.request("settle", body, other.session), 403, "forbidden");
    const answer = await target.call(agent.request("settle", body, target.keys.agent));
    expect([401, 404]).toContain(answer.status);
    await expectRefused(target, { path: "/v1/tasks", key: agent.session }, 401, "unauthenticated");
    expect(await look(id)).toMatchObject({ status: "in_progress" });
    await other.operation("leave", {});
  });

  test("sends what can't be stored in every field there is", async () => {
    const id = await submit();
    const lease = { taskId: id, leaseToken: (await agent.nextTask()).leaseToken };
    for (const bad of ["a\u0000b", "a\ud800b"]) {
      const requests: RawCall[] = [
        agent.request("journal", { ...lease, key: bad, value: 1 }),
        agent.request("journal", { ...lease, key: "k", value: { [bad]: bad } }),
        agent.request("delegate", { ...lease, key: bad, tasks: [{ capability: "nobody" }] }),
        agent.request("progress", { ...lease, message: bad }),
        agent.request("log", { ...lease, level: "info", message: bad, fields: { [bad]: bad } }),
        agent.request("send", { to: bad, payload: bad }),
        agent.request("broadcast", { payload: { [bad]: bad } }),
        agent.request("query", { to: bad, payload: bad, timeoutMs: 1 }),
        agent.request(
          "settle",
          { ...lease, outcome: { status: "completed", output: { [bad]: bad } } },
          "gone",
        ),
        { path: "/v1/tasks", key: target.keys.client, body: { capability: "nobody", input: { [bad]: bad } } },
        ...["name", "agent", "ref", "idempotencyKey"].map((field) => ({
          path: "/v1/tasks",
          key: target.keys.client,
          body: { capability: "nobody", [field]: bad },
        })),
        { path: "/v1/tasks", key: target.keys.client, body: { capability: "nobody", dependsOn: [bad] } },
        {
          path: "/v1/runs",
          key: target.keys.client,
          body: { workflow: { name: bad, steps: { a: withText(bad) } } },
        },
        {
          path: "/v1/runs",
          key: target.keys.client,
          body: { workflow: { name: "w", steps: { a: withText(bad) } }, idempotencyKey: bad },
        },
        { path: "/v1/keys", key: target.keys.root, body: { name: bad, role: "client" } },
        {
          path: "/v1/agents",
          key: target.keys.agent,
          body: { name: "n", description: bad, capabilities: [], metadata: { [bad]: bad } },
        },
        { path: `/v1/agents?name=${encodeURIComponent("a\u0000b")}`, key: target.keys.client },
      ];
      for (const request of requests) {
        const { status, json } = await target.call(request);
        expect(status, `${JSON.stringify(request)} → ${JSON.stringify(json)}`).toBeLessThan(500);
      }
    }
    const error = { code: "a\u0000b", message: "c\u0000d", details: { "e\u0000": "\ud800" } };
    const answer = await target.call(
      agent.request("settle", { ...lease, outcome: { status: "failed", error } }),
    );
    expect(answer.status, JSON.stringify(answer.json)).toBeLessThan(500);
  });
});

const withText = (text: string) => ({ capability: "nobody", with: { text } });

test("after all this the server still works", async () => {
  const agent = await joinAs(target.call, target.keys.agent, "honest", [{ name: "count" }]);
  const { json } = await target.call({
    path: "/v1/tasks",
    key: target.keys.client,
    body: { capability: "count" },
  });
  const { taskId, leaseToken } = await agent.nextTask();
  expect(taskId).toBe(json.tasks[0].id);
  await agent.operation("settle", { taskId, leaseToken, outcome: { status: "completed", output: 1 } });
  expect((await target.call({ path: `/v1/tasks/${taskId}`, key: target.keys.client })).json).toMatchObject({
    status: "completed",
    output: 1,
  });
  expect(await target.call({ path: "/readyz" })).toMatchObject({ status: 200 });
});
