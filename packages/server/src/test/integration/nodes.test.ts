import { afterAll, beforeAll, expect, it } from "vitest";
import { createSystemIds } from "../../adapters/ids/system-ids.ts";
import { createNodeService } from "../../core/nodes/node-service.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import { freshDatabase, root, silentLog, someone } from "../orchestrate.ts";

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

/** A clock that goes on when it is told to, and a node that lives by it. */
function createNode() {
  let now = 1_000_000;
  let timers: { at: number; work: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    setTimer(delayMs, work) {
      const timer = { at: now + delayMs, work };
      timers.push(timer);
      return {
        cancel() {
          timers = timers.filter((each) => each !== timer);
        },
      };
    },
  };
  const service = createNodeService({ database, clock, ids: createSystemIds(), log: silentLog });
  const pass = (ms: number, alive: boolean) => {
    now += ms;
    const due = timers.filter(({ at }) => at <= now);
    timers = timers.filter(({ at }) => at > now);
    if (alive) for (const { work } of due) work();
  };
  return { service, pass };
}

const names = async ({ service }: ReturnType<typeof createNode>) =>
  (await service.list(root)).map(({ name, url }) => [name, url]);

it("nodes that share a database are listed while they live, and gone when they leave or fall silent", async () => {
  const [one, other] = [createNode(), createNode()];
  await one.service.announce({ name: "one", url: "http://one:6878", version: "1.2.3" });
  await other.service.announce({ name: "other", url: null, version: "1.2.3" });
  expect(await names(one)).toEqual([
    ["one", "http://one:6878"],
    ["other", null],
  ]);
  one.pass(25_000, true);
  await expect.poll(async () => (await one.service.list(root))[0]?.lastSeen).toBe("1970-01-01T00:17:05.000Z");
  one.pass(10_000, true);
  expect(await names(one)).toEqual([["one", "http://one:6878"]]);
  await one.service.leave();
  expect(await names(one)).toEqual([]);
});

it("only an admin of all tenants sees them", async () => {
  const { service } = createNode();
  await expect(service.list(someone)).rejects.toMatchObject({ code: "forbidden" });
  await expect(service.list({ ...root, tenant: "acme" })).rejects.toMatchObject({ code: "forbidden" });
});

it("tells admins of all tenants what database they are on", async () => {
  const { service } = createNode();
  const facts = await service.database(root);
  expect(facts.kind).toBe(database.embedded === true ? "embedded" : "postgresql");
  expect(Number.parseInt(facts.version, 10)).toBeGreaterThanOrEqual(15);
  if (facts.kind === "embedded")
    expect(facts.vector).toMatchObject({ available: expect.stringMatching(/^0\.\d/) });
  await expect(service.database(someone)).rejects.toMatchObject({ code: "forbidden" });
});
