import type { ScheduleRequest } from "@muster/sdk/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createSystemClock } from "../../adapters/clock/system-clock.ts";
import { createSystemIds } from "../../adapters/ids/system-ids.ts";
import type { Aftermath } from "../../core/aftermath.ts";
import { createSubmit } from "../../core/intake/submit-tasks.ts";
import type { Principal } from "../../core/orchestrator.ts";
import { createFireSchedules } from "../../core/schedules/fire-schedules.ts";
import { createScheduleService } from "../../core/schedules/schedule-service.ts";
import type { Database, Statement } from "../../ports/database.ts";
import { emptyDatabase, freshDatabase, root, silentLog, someone } from "../orchestrate.ts";

const minute = 60_000;
const start = Date.parse("2030-01-01T00:00:30Z");

let database: Database;
let now = start;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await emptyDatabase(database);
  now = start;
});

/** What one node has of schedules. The clock is the test's. */
function node() {
  const announced: Aftermath[] = [];
  const base = {
    database,
    clock: { ...createSystemClock(), now: () => now },
    ids: createSystemIds(),
    log: silentLog,
    announce: (aftermath: Aftermath) => void announced.push(aftermath),
  };
  const submit = createSubmit({ ...base, seat: () => {} });
  return {
    schedules: createScheduleService({ ...base, submit }),
    fire: createFireSchedules({ ...base, submit }),
    announced,
  };
}

const rows = async <T = { n: number }>(text: string): Promise<T[]> =>
  database.query({ name: `test_${text.length}_${text.slice(-20)}`, text } as unknown as Statement<
    T & object
  >) as Promise<T[]>;
const count = async (table: string): Promise<number> =>
  (await rows(`select count(*)::int as n from ${table}`))[0]?.n ?? -1;
const events = async () =>
  (
    await rows<{ type: string; data: Record<string, unknown> }>(
      "select type, data from event where type like 'schedule.%' order by seq",
    )
  ).map(({ type, data }) => [type, data.reason ?? null]);
const endTasks = () =>
  database.execute(
    "update task set status = 'completed', ended_at = 1, output = 'null' where ended_at is null",
  );

const everyMinute: ScheduleRequest = { name: "ping", cron: "* * * * *", task: { capability: "ping" } };
const workflow = { name: "flow", steps: { one: { capability: "ping" } } };

describe("a schedule", () => {
  it("hands in its task at its time, and knows the next one", async () => {
    const { schedules, fire, announced } = node();
    const made = await schedules.create(
      { ...everyMinute, task: { capability: "ping", input: { a: 1 } } },
      someone,
    );
    expect(made).toMatchObject({ status: "active", nextAt: "2030-01-01T00:01:00.000Z", what: "ping" });
    expect(made.upcoming.at(-1)).toBe("2030-01-01T00:05:00.000Z");
    expect(announced.at(-1)).toEqual({ dueAt: start + minute / 2 });
    await fire.due();
    expect(await count("task")).toBe(0);
    now = start + minute / 2;
    await fire.due();
    await fire.due();
    expect(await rows("select capability, tenant, input from task")).toEqual([
      { capability: "ping", tenant: "default", input: { a: 1 } },
    ]);
    expect(await schedules.get("ping", someone)).toMatchObject({
      started: 1,
      lastAt: "2030-01-01T00:01:00.000Z",
      lastId: (await rows<{ id: string }>("select id from task"))[0]?.id,
      nextAt: "2030-01-01T00:02:00.000Z",
    });
    expect(await events()).toEqual([
      ["schedule.created", null],
      ["schedule.started", null],
    ]);
  });

  it("starts a run of the workflow that it keeps", async () => {
    const { schedules, fire } = node();
    await schedules.create(
      { name: "nightly", cron: "30 2 * * *", timezone: "Europe/Berlin", run: { workflow } },
      someone,
    );
    now = Date.parse("2030-01-01T01:30:00Z");
    await fire.due();
    expect(await rows("select workflow, status, tenant from run")).toEqual([
      { workflow: "flow", status: "running", tenant: "default" },
    ]);
    expect(await count("task")).toBe(1);
  });

  it("for one time ends with it", async () => {
    const { schedules, fire } = node();
    await schedules
      .create({ name: "once", at: "2030-01-01T01:00:00+01:00", task: { agent: "ann" } }, someone)
      .catch((error) => expect(error).toMatchObject({ code: "invalid_request" }));
    await schedules.create(
      { name: "once", at: "2030-01-01T02:00:00+01:00", task: { agent: "ann" } },
      someone,
    );
    now = Date.parse("2030-01-01T01:00:00Z");
    await fire.due();
    expect(await schedules.get("once", someone)).toMatchObject({
      status: "ended",
      nextAt: null,
      started: 1,
      upcoming: [],
    });
    await expect(schedules.resume("once", someone)).rejects.toMatchObject({ code: "conflict" });
    expect(await count("task")).toBe(1);
  });

  it("is handed in once, however many nodes look at once, and through jumps of the clock", async () => {
    const nodes = Array.from({ length: 6 }, node);
    const first = nodes[0] as ReturnType<typeof node>;
    for (let at = 0; at < 5; at++)
      await first.schedules.create({ ...everyMinute, name: `s${at}`, overlap: "allow" }, someone);
    for (const jump of [minute, -30 * minute, 31 * minute, 10, 24 * 60 * minute]) {
      now += jump;
      await Promise.all(nodes.map(({ fire }) => fire.due()));
    }
    const started = await rows<{ name: string; n: number }>(
      "select data->>'name' as name, count(*)::int as n from event where type = 'schedule.started' group by 1 order by 1",
    );
    // A minute, the next one, and one for the day that was missed.
    expect(started).toEqual([0, 1, 2, 3, 4].map((at) => ({ name: `s${at}`, n: 3 })));
    expect(await count("task")).toBe(15);
    expect(
      await rows(
        "select data->>'time' from event where type = 'schedule.started' group by data->>'name', data->>'time' having count(*) > 1",
      ),
    ).toEqual([]);
  });

  it("whose work can't be handed in any more leaves the time out and goes on", async () => {
    const { schedules, fire } = node();
    await schedules.create(everyMinute, someone);
    await database.execute(`update schedule set document = '{"task":{}}'`);
    now += minute;
    await fire.due();
    expect(await schedules.get("ping", someone)).toMatchObject({
      started: 0,
      skipped: 1,
      nextAt: "2030-01-01T00:02:00.000Z",
    });
    expect((await events()).at(-1)).toEqual(["schedule.skipped", "failed"]);
  });
});

describe("policies", () => {
  it.each([
    ["skip", 0, 10],
    ["run-once", 1, 9],
    ["run-all", 10, 0],
  ] as const)(
    "missed %s: of ten times %i are acted on and %i are left out",
    async (missed, started, skipped) => {
      const { schedules, fire } = node();
      await schedules.create({ ...everyMinute, missed, overlap: "allow", cron: "*/6 * * * *" }, someone);
      now = start + 62 * minute;
      await fire.due();
      expect(await count("task")).toBe(started);
      expect(await schedules.get("ping", someone)).toMatchObject({
        started,
        skipped,
        nextAt: "2030-01-01T01:06:00.000Z",
      });
    },
  );

  it("overlap skip: no work starts while the last has not ended", async () => {
    const { schedules, fire } = node();
    await schedules.create({ ...everyMinute, overlap: "skip" }, someone);
    for (const ends of [false, false, true, false]) {
      now += minute;
      if (ends) await endTasks();
      await fire.due();
    }
    expect(await schedules.get("ping", someone)).toMatchObject({ started: 2, skipped: 2 });
  });

  it("overlap queue: each starts when the one before has ended", async () => {
    const { schedules, fire } = node();
    await schedules.create({ ...everyMinute, overlap: "queue" }, someone);
    for (let at = 0; at < 3; at++) {
      now += minute;
      await fire.due();
    }
    expect(await schedules.get("ping", someone)).toMatchObject({ started: 1, queued: 2 });
    for (const left of [1, 0]) {
      await Promise.all([fire.queued(), node().fire.queued()]);
      expect(await count("task")).toBe(3 - left - 1);
      await endTasks();
      await Promise.all([fire.queued(), node().fire.queued()]);
      expect(await schedules.get("ping", someone)).toMatchObject({ queued: left, started: 3 - left });
    }
  });
});

describe("by hand", () => {
  it("a schedule is paused, passes its times, and goes on from now", async () => {
    const { schedules, fire } = node();
    await schedules.create(everyMinute, someone);
    expect(await schedules.pause("ping", someone)).toMatchObject({ status: "paused", nextAt: null });
    await schedules.pause("ping", someone);
    now += 10 * minute;
    await fire.due();
    expect(await schedules.resume("ping", someone)).toMatchObject({ nextAt: "2030-01-01T00:11:00.000Z" });
    expect(await count("task")).toBe(0);
    const { id } = await schedules.run("ping", someone);
    expect(await rows("select id from task")).toEqual([{ id }]);
    await schedules.delete("ping", someone);
    await expect(schedules.get("ping", someone)).rejects.toMatchObject({ code: "not_found" });
    expect((await events()).map(([type]) => type)).toEqual([
      "schedule.created",
      "schedule.paused",
      "schedule.resumed",
      "schedule.started",
      "schedule.deleted",
    ]);
  });

  it("a rehearsal tells the next times and makes nothing", async () => {
    const { schedules } = node();
    const made = await schedules.create({ ...everyMinute, cron: "0 9 * * 1" }, someone, { dryRun: true });
    expect(made.upcoming).toHaveLength(5);
    expect(await count("schedule")).toBe(0);
  });

  it.each([
    ["two times", { ...everyMinute, at: "2031-01-01T00:00:00Z" }, "either a cron line or one time"],
    ["no work", { name: "x", cron: "@daily" }, "either a task or a run"],
    ["a bad line", { ...everyMinute, cron: "0 25 * * *" }, 'the hour "25" at character 3'],
    ["a bad zone", { ...everyMinute, timezone: "Mars/Olympus" }, "no time zone"],
    ["a time that has passed", { name: "x", at: "2029-01-01T00:00:00Z", task: { agent: "a" } }, "has passed"],
    ["a bad name", { ...everyMinute, name: "a b" }, "/name"],
    [
      "a name like an id",
      { ...everyMinute, name: "0190163d-8694-739b-aea5-966c26f8ad91" },
      "look like an id",
    ],
    ["dependencies", { ...everyMinute, task: { agent: "a", dependsOn: ["b"] } }, "no dependencies"],
    ["a task for nobody", { ...everyMinute, task: {} }, "neither a capability nor an agent"],
    [
      "a bad workflow",
      { name: "x", cron: "@daily", run: { workflow: { name: "x" } } },
      "The workflow can't be used",
    ],
  ])("%s is refused and leaves nothing", async (_, request, reason) => {
    const { schedules } = node();
    await expect(schedules.create(request as ScheduleRequest, someone)).rejects.toThrow(reason);
    expect([await count("schedule"), await count("event")]).toEqual([0, 0]);
  });

  it("a tenant has its own names, sees no others, and agents have none", async () => {
    const { schedules } = node();
    const other: Principal = { tenant: "other", role: "client", name: "" };
    await schedules.create(everyMinute, someone);
    await expect(schedules.create(everyMinute, someone)).rejects.toMatchObject({ code: "conflict" });
    const { id } = await schedules.create(everyMinute, other);
    for (const call of ["get", "pause", "resume", "run", "delete"] as const)
      await expect(schedules[call](id, someone)).rejects.toMatchObject({ code: "not_found" });
    expect((await schedules.list({}, someone)).items).toHaveLength(1);
    expect((await schedules.list({}, root)).items).toHaveLength(2);
    const agent: Principal = { tenant: "default", role: "agent", name: "" };
    await expect(schedules.create({ ...everyMinute, name: "y" }, agent)).rejects.toMatchObject({
      code: "forbidden",
    });
    await expect(schedules.run("ping", agent)).rejects.toMatchObject({ code: "forbidden" });
  });
});
