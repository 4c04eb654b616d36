import type { EventType } from "@muster/sdk/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Principal } from "../../core/orchestrator.ts";
import { emptyDatabase, root, someone } from "../orchestrate.ts";
import { dyingAt, onWritten, useTriggers } from "../use-triggers.ts";

const { at, node, rows, tasks, told, happen } = useTriggers();
const workflow = {
  name: "flow",
  inputs: { event: { type: "object" }, to: { type: "string", default: "all" } },
  steps: { one: { capability: "ping", with: { path: "${{ inputs.event.data.path }}" } } },
};

describe("a trigger", () => {
  it("hands in its task, with the event, for each that happens from now on", async () => {
    const { triggers, pass } = node();
    await happen("state.written", { path: "before" });
    const request = { ...onWritten, eventAs: "event", task: { capability: "publish", input: { to: "all" } } };
    const made = await triggers.create(request, someone);
    expect(made).toMatchObject({
      status: "active",
      starts: "task",
      what: "publish",
      started: 0,
      eventAs: "event",
    });
    const seq = await happen("state.written", { path: "x" });
    await happen("state.deleted", { path: "x" });
    await pass();
    await pass();
    const [task, ...others] = await tasks();
    expect(others).toEqual([]);
    expect(task).toMatchObject({
      tenant: "default",
      capability: "publish",
      input: { to: "all", event: { seq, type: "state.written", data: { path: "x" }, tenant: "default" } },
    });
    expect(await triggers.get("publish", someone)).toMatchObject({
      ...{ started: 1, skipped: 0, lastEvent: seq, lastId: task?.id, lastAt: "2030-01-01T00:00:00.000Z" },
    });
    expect(await told()).toEqual([
      ["trigger.created", null],
      ["trigger.started", null],
    ]);
  });

  it("starts a run whose workflow has the event for an input", async () => {
    const { triggers, pass } = node();
    await triggers.create(
      { name: "run", on: { types: ["state.written"] }, eventAs: "event", run: { workflow } },
      someone,
    );
    await happen("state.written", { path: "plans/a" });
    await pass();
    expect(await rows("select workflow, status from run")).toEqual([{ workflow: "flow", status: "running" }]);
    expect((await tasks())[0]?.input).toEqual({ path: "plans/a" });
  });

  it("takes events by type, capability and conditions, of its own tenant and of all", async () => {
    const { triggers, pass } = node();
    const on = {
      types: ["task.failed", "task.dead"] as EventType[],
      capability: "break",
      where: { "data.code": ["a", "b"] },
    };
    await triggers.create({ ...onWritten, on, eventAs: "event" }, someone);
    await triggers.create(
      { ...onWritten, name: "other", on, eventAs: "event" },
      { ...someone, tenant: "other" },
    );
    const [broken] = await node().submit([{ capability: "break" }], { tenant: "default" });
    const about = { taskId: broken?.id as string };
    const wanted = [
      await happen("task.failed", { code: "a" }, about),
      await happen("task.dead", { code: "b", capability: "break" }),
      await happen("task.dead", { code: "b", capability: "break" }, { tenant: "*" }),
    ];
    await happen("task.failed", { code: "c" }, about);
    await happen("task.completed", { code: "a" }, about);
    await happen("task.dead", { code: "a", capability: "bend" });
    await happen("task.dead", { code: "a" });
    await pass();
    const inputs = (await tasks()).filter(({ capability }) => capability === "publish");
    const seen = (tenant: string) =>
      inputs.filter((one) => one.tenant === tenant).map(({ input }) => (input.event as { seq: number }).seq);
    expect(seen("default")).toEqual(wanted);
    expect(seen("other")).toEqual(wanted.slice(2));
  });

  it("acts on each event once, whatever happens between, on several nodes", async () => {
    const steps = fc.array(fc.constantFrom("happen", "look", "both", "crash"), {
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (played) => {
        await emptyDatabase(at.database);
        const nodes = [node(), node()] as const;
        await nodes[0].triggers.create({ ...onWritten, maxPerMinute: 1_000 }, someone);
        let happened = 0;
        for (const [index, step] of played.entries()) {
          if (step === "happen") for (let n = 0; n < 3; n++, happened++) await happen("state.written", { n });
          else if (step === "look") await nodes[index % 2 === 0 ? 0 : 1].pass();
          else if (step === "both") await Promise.all(nodes.map((one) => one.pass()));
          else
            await node(dyingAt(at.database, "move_trigger"))
              .pass()
              .catch(() => {});
        }
        await nodes[0].pass();
        expect(await rows("select count(*)::int as n from task")).toEqual([{ n: happened }]);
        expect(await rows("select count(distinct event_seq)::int as n from trigger_start")).toEqual([
          { n: happened },
        ]);
      }),
      { numRuns: 12 },
    );
  });

  it("makes up for what happened while nobody was there, page by page", async () => {
    const { triggers, pass } = node();
    const on = { types: ["state.written" as const], where: { "data.n": 7 } };
    await triggers.create({ ...onWritten, on }, someone);
    await at.database.execute(
      "insert into event (at, type, tenant, data) select 1, 'state.written', 'default', json_build_object('n', n % 500) from generate_series(1, 1500) n",
    );
    await pass();
    expect(await tasks()).toHaveLength(3);
    expect(await triggers.get("publish", someone)).toMatchObject({ started: 3 });
  });

  it("acts on nothing that happens while it is paused, nor once it is deleted", async () => {
    const { triggers, pass } = node();
    await triggers.create({ ...onWritten, paused: true }, someone);
    await happen("state.written");
    await pass();
    expect(await triggers.resume("publish", someone)).toMatchObject({ status: "active" });
    await pass();
    expect(await tasks()).toEqual([]);
    await happen("state.written");
    await pass();
    expect(await triggers.pause("publish", someone)).toMatchObject({ status: "paused" });
    expect(await triggers.pause("publish", someone)).toMatchObject({ status: "paused" });
    await happen("state.written");
    await pass();
    await triggers.resume("publish", someone);
    await triggers.delete("publish", someone);
    await happen("state.written");
    await pass();
    expect(await tasks()).toHaveLength(1);
    expect(await told()).toEqual(
      ["created", "resumed", "started", "paused", "resumed", "deleted"].map((what) => [
        `trigger.${what}`,
        null,
      ]),
    );
  });

  it("whose work can't be handed in leaves its event out, and acts on the next", async () => {
    const { triggers, pass } = node();
    const input = {
      type: "object",
      properties: { data: { type: "object", properties: { path: { type: "string" } } } },
    };
    const strict = { ...workflow, inputs: { event: input } };
    await triggers.create(
      { name: "run", on: onWritten.on, eventAs: "event", run: { workflow: strict } },
      someone,
    );
    await happen("state.written", { path: 1 });
    await happen("state.written", { path: "a" });
    await pass();
    expect(await rows("select status from run")).toHaveLength(1);
    expect(await told("trigger.s%")).toEqual([
      ["trigger.skipped", "failed"],
      ["trigger.started", null],
    ]);
    expect(await triggers.get("run", someone)).toMatchObject({ started: 1, skipped: 1 });
  });

  it("waits where the database is away, and leaves nothing out", async () => {
    const { triggers } = node();
    await triggers.create(onWritten, someone);
    await happen("state.written");
    await expect(node(dyingAt(at.database, "enqueue")).pass()).rejects.toThrow();
    expect(await triggers.get("publish", someone)).toMatchObject({ started: 0, skipped: 0 });
    await node().pass();
    expect(await triggers.get("publish", someone)).toMatchObject({ started: 1, skipped: 0 });
  });
});

it("one tenant's triggers are not another's business", async () => {
  const { triggers } = node();
  const stranger: Principal = { tenant: "other", role: "admin", name: "stranger" };
  const { id } = await triggers.create(onWritten, someone);
  for (const word of [id, "publish"]) {
    for (const call of [triggers.get, triggers.pause, triggers.resume, triggers.delete])
      await expect(call(word, stranger)).rejects.toMatchObject({ code: "not_found" });
  }
  expect((await triggers.list({}, stranger)).items).toEqual([]);
  expect((await triggers.list({ status: "active" }, root)).items).toMatchObject([{ id }]);
});
