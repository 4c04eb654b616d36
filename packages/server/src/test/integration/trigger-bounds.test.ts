import { limits } from "@muster/sdk/protocol";
import { describe, expect, it } from "vitest";
import { pruneTriggerStarts } from "../../core/queue/statements/triggers.ts";
import { someone } from "../orchestrate.ts";
import { onWritten, useTriggers } from "../use-triggers.ts";

const minute = 60_000;
const { at, node, rows, tasks, told, happen } = useTriggers();
const workflow = {
  name: "flow",
  inputs: { event: { type: "object" } },
  steps: { one: { capability: "ping" } },
};

describe("triggers that would go on for ever", () => {
  it("end at a depth where they start each other, also through sub-tasks and documents", async () => {
    const { triggers, pass } = node();
    await triggers.create({ ...onWritten, maxDepth: 3 }, someone);
    const types = ["task.submitted" as const];
    await triggers.create(
      { ...onWritten, name: "again", on: { types, capability: "publish" }, maxDepth: 3 },
      someone,
    );
    await happen("state.written");
    for (let round = 0; round < 8; round++) await pass();
    const made = await tasks();
    expect(made).toHaveLength(3);
    await at.database.execute(
      `insert into task (id, tenant, route, status, priority, join_policy, max_attempts, attempts_granted, retry_delay_ms,
         retry_factor, retry_max_ms, retry_jitter, timeout_ms, created_at, capability, parent_id)
       select gen_random_uuid(), tenant, route, 'ready', 0, join_policy, 1, 1, 0, 1, 0, 0, 1, 1, 'write', id
       from task where id = '${made.at(-1)?.id}'`,
    );
    const [child] = (await rows<{ id: string }>("select id from task where capability = 'write'")) as [
      { id: string },
    ];
    await happen("state.written", { task: child.id });
    await happen("state.written", { task: made[0]?.id });
    for (let round = 0; round < 8; round++) await pass();
    const skips = (await told("trigger.skipped")).map(([, reason]) => reason);
    expect(skips.every((reason) => reason === "depth")).toBe(true);
    expect(await rows("select max(depth)::int as n from trigger_start")).toEqual([{ n: 3 }]);
    // One of depth 2 for the document that the first task wrote, and one of depth 3 for that.
    expect((await tasks()).filter(({ capability }) => capability === "publish")).toHaveLength(5);
  });

  it("start no more in a minute than they may, and lose none", async () => {
    const { triggers, pass } = node();
    await triggers.create({ ...onWritten, maxPerMinute: 2 }, someone);
    for (let n = 0; n < 5; n++) await happen("state.written", { n });
    await pass();
    await pass();
    expect(await tasks()).toHaveLength(2);
    expect(await triggers.get("publish", someone)).toMatchObject({ heldUntil: "2030-01-01T00:01:00.000Z" });
    expect(await told("trigger.held")).toHaveLength(1);
    at.now += minute - 1;
    await pass();
    expect(await tasks()).toHaveLength(2);
    at.now += 1;
    await pass();
    expect(await tasks()).toHaveLength(4);
    at.now += minute;
    await pass();
    expect(await tasks()).toHaveLength(5);
    expect(await triggers.get("publish", someone)).toMatchObject({ started: 5, heldUntil: null });
  });

  it("remember what they started for as long as it is there", async () => {
    const { triggers, pass } = node();
    await triggers.create(onWritten, someone);
    await happen("state.written");
    await pass();
    expect(await at.database.query(pruneTriggerStarts, [at.now + 1, 10])).toEqual([]);
    await at.database.execute("delete from task");
    expect(await at.database.query(pruneTriggerStarts, [at.now, 10])).toEqual([]);
    expect(await at.database.query(pruneTriggerStarts, [at.now + 1, 10])).toHaveLength(1);
  });
});

describe("a request for a trigger", () => {
  it.each<[string, object]>([
    ["without events", { on: { types: [] } }],
    ["for events that there are not", { on: { types: ["task.exploded"] } }],
    ["for what triggers tell", { on: { types: ["trigger.started"] } }],
    [
      "with a condition on a place that no event has",
      { on: { types: ["task.failed"], where: { tenant: "x" } } },
    ],
    ["with no work", { task: undefined }],
    ["with two kinds of work", { run: { workflow } }],
    ["with a task for nobody", { task: {} }],
    ["with a workflow that is none", { task: undefined, run: { workflow: { name: "x" } } }],
    [
      "with an event that the workflow does not take",
      { task: undefined, run: { workflow }, eventAs: "fact" },
    ],
    ["with an input that the event can't be in", { eventAs: "event", task: { capability: "x", input: [1] } }],
    ["with a task that depends on others", { task: { capability: "x", dependsOn: ["y"] } }],
    ["that never may start anything", { maxPerMinute: 0 }],
    ["of any depth", { maxDepth: limits.triggerDepth + 1 }],
    ["with a name like an id", { name: "0199aa41-7c1e-7000-8000-00000000000a" }],
    ["with a member that is not known", { when: "x" }],
  ])("%s is refused", async (_, part) => {
    const { triggers } = node();
    const request = JSON.parse(
      JSON.stringify({ ...onWritten, ...part, ...("task" in part && !part.task ? { task: undefined } : {}) }),
    );
    await expect(triggers.create(request, someone)).rejects.toThrow();
    expect(await rows("select count(*)::int as n from event_trigger")).toEqual([{ n: 0 }]);
  });

  it("is refused to agents, under a name that is taken, and beyond the bound", async () => {
    const { triggers } = node();
    await expect(triggers.create(onWritten, { ...someone, role: "agent" })).rejects.toMatchObject({
      code: "forbidden",
    });
    expect(await triggers.create(onWritten, someone, { dryRun: true })).toMatchObject({ name: "publish" });
    await triggers.create(onWritten, someone);
    await expect(triggers.create(onWritten, someone)).rejects.toMatchObject({ code: "conflict" });
    for (let n = 1; n < limits.triggersPerTenant; n++)
      await triggers.create({ ...onWritten, name: `t${n}` }, someone);
    await expect(triggers.create({ ...onWritten, name: "last" }, someone)).rejects.toMatchObject({
      code: "limit_exceeded",
    });
  });
});
