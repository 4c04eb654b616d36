import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createSystemClock } from "../../adapters/clock/system-clock.ts";
import { createSystemIds } from "../../adapters/ids/system-ids.ts";
import {
  createInMemorySignals,
  createSignalExchange,
} from "../../adapters/signals/in-memory/create-in-memory-signals.ts";
import { createKeyService } from "../../core/keys/key-service.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Signals } from "../../ports/signals.ts";
import { emptyDatabase, freshDatabase, root, silentLog } from "../orchestrate.ts";

describe("a key", () => {
  let database: Database;
  let now: number;
  const clock: Clock = { ...createSystemClock(), now: () => now };

  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    await emptyDatabase(database);
    now = Date.UTC(2030, 0, 1);
  });

  const keysOf = (signals?: Signals) =>
    createKeyService({
      database,
      clock,
      ids: createSystemIds(),
      log: silentLog,
      ...(signals === undefined ? {} : { signals }),
    });
  const request = { name: "ci", role: "client", tenant: "acme" } as const;

  test("is made by one of the nodes that start together, the first time and never again", async () => {
    const made = await Promise.all([1, 2, 3, 4].map(() => keysOf().bootstrap()));
    expect(made.filter((key) => key !== null)).toHaveLength(1);
    expect(await keysOf().bootstrap()).toBeNull();
  });

  test("that is revoked is refused by every node once they hear of it, however fresh their memory is", async () => {
    const exchange = createSignalExchange();
    const [node, other] = [keysOf(createInMemorySignals(exchange)), keysOf(createInMemorySignals(exchange))];
    const { id, key } = await node.create(request, root);
    for (const each of [node, other]) expect(await each.authenticate(key)).toMatchObject({ name: "ci" });
    await node.revoke(id, root);
    expect(await node.authenticate(key)).toBeNull();
    expect(await other.authenticate(key)).toBeNull();
  });

  test("is refused within five seconds by a node that does not hear of it", async () => {
    const [node, deaf] = [keysOf(), keysOf()];
    const { id, key } = await node.create(request, root);
    expect(await deaf.authenticate(key)).not.toBeNull();
    await node.revoke(id, root);
    now += 4_999;
    expect(await deaf.authenticate(key)).not.toBeNull();
    now += 1;
    expect(await deaf.authenticate(key)).toBeNull();
  });
});
