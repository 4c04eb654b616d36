import { describe, expect, test } from "vitest";
import { expectRefused, useTarget } from "./support/hostile-client.ts";
import { joinAs } from "./support/http-agent.ts";

const target = useTarget();

describe("one tenant and another", () => {
  test("see nothing of each other", async () => {
    const { json } = await target.call({
      path: "/v1/tasks",
      key: target.keys.client,
      body: { capability: "theirs", input: "secret" },
    });
    const [{ id }] = json.tasks;
    const workflow = { name: "w", steps: { a: { capability: "theirs" } } };
    const started = await target.call({ path: "/v1/runs", key: target.keys.client, body: { workflow } });
    expect(started.status).toBe(201);
    const runId = started.json.id;
    const key = target.keys.stranger;
    const before = await target.traces();
    for (const path of [`/v1/tasks/${id}`, `/v1/tasks/${id}/why`, `/v1/runs/${runId}`]) {
      await expectRefused(target, { path, key }, 404, "not_found");
    }
    for (const path of [
      `/v1/tasks/${id}/cancel`,
      `/v1/tasks/${id}/retry`,
      `/v1/runs/${runId}/cancel`,
      `/v1/runs/${runId}/retry`,
    ]) {
      await expectRefused(target, { path, method: "POST", key }, 404, "not_found");
    }
    await expectRefused(
      target,
      { path: "/v1/tasks", key, body: { capability: "a", dependsOn: [id] } },
      422,
      "unknown_dependency",
    );
    for (const path of [
      "/v1/tasks",
      "/v1/runs",
      "/v1/deadlocks",
      "/v1/events",
      `/v1/events?taskId=${id}`,
      `/v1/tasks?runId=${runId}`,
    ]) {
      expect((await target.call({ path, key })).json.items, path).toEqual([]);
    }
    expect(await target.traces()).toEqual(before);
    expect(
      (await target.call({ path: `/v1/tasks/${id}/cancel`, method: "POST", key: target.keys.client })).status,
    ).toBe(200);
    expect(
      (await target.call({ path: `/v1/runs/${runId}/cancel`, method: "POST", key: target.keys.client }))
        .status,
    ).toBe(200);
  });

  test("do not work for each other", async () => {
    const agent = await joinAs(target.call, target.keys.strangerAgent, "spy", [{ name: "gossip" }]);
    const { json } = await target.call({
      path: "/v1/tasks",
      key: target.keys.client,
      body: { capability: "gossip", input: "secret" },
    });
    const [{ id }] = json.tasks;
    expect(await agent.fetch(500)).toEqual([]);
    expect((await target.call({ path: "/v1/agents", key: target.keys.client })).json.items).toEqual([]);
    await expectRefused(
      target,
      { path: `/v1/agents/${agent.id}`, key: target.keys.client },
      404,
      "not_found",
    );
    await target.call({ path: `/v1/tasks/${id}/cancel`, method: "POST", key: target.keys.client });
    await agent.operation("leave", {});
  });
});
