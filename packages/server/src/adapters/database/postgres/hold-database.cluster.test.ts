import pg from "pg";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { Log } from "../../../ports/log.ts";
import { type Scratch, scratchDatabase } from "../../../test/services.ts";
import { type DatabaseHold, holdDatabase } from "./hold-database.ts";

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
let scratch: Scratch;
beforeAll(async () => {
  scratch = await scratchDatabase();
});
afterAll(() => scratch.drop());

const hold = (shared: boolean, onLost: (error: Error) => void = () => {}): Promise<DatabaseHold> =>
  holdDatabase({ url: scratch.url, shared, log, onLost });

const endHolds =
  "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'muster hold%'";

/** Other suites hold locks in other databases of the server. */
const advisoryLocks = `
  select pid from pg_locks where locktype = 'advisory' and granted
    and database = (select oid from pg_database where datname = current_database())`;

/** A connection beside those of the holds. */
async function beside<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: scratch.url });
  await client.connect();
  return work(client).finally(() => client.end());
}

it("a node that works alone is the only one", async () => {
  const alone = await hold(false);
  await expect(hold(false)).rejects.toMatchObject({ code: "storage_locked" });
  await expect(hold(true)).rejects.toMatchObject({
    code: "storage_locked",
    message: expect.stringContaining("without REDIS_URL and AMQP_URL"),
  });
  await alone.release();
  await (await hold(false)).release();
});

it("nodes of a cluster use a database together, and keep one that works alone away", async () => {
  const [one, other] = [await hold(true), await hold(true)];
  await expect(hold(false)).rejects.toMatchObject({
    code: "storage_locked",
    message: expect.stringContaining("has no REDIS_URL and AMQP_URL"),
  });
  await one.release();
  await expect(hold(false)).rejects.toMatchObject({ code: "storage_locked" });
  await other.release();
  await (await hold(false)).release();
});

it("a lost connection is opened again and the database held as before", async () => {
  const onLost = vi.fn();
  const alone = await hold(false, onLost);
  await beside(async (client) => {
    const holders = async () => (await client.query(advisoryLocks)).rows;
    const [before] = await holders();
    await client.query(endHolds);
    await expect.poll(holders).toEqual([{ pid: expect.not.toBeOneOf([before.pid]) }]);
  });
  await expect(hold(false)).rejects.toMatchObject({ code: "storage_locked" });
  expect(onLost).not.toHaveBeenCalled();
  await alone.release();
});

it("who finds the database taken after its connection was lost is told so", async () => {
  const onLost = vi.fn();
  const alone = await hold(false, onLost);
  await beside(async (client) => {
    // On the server, so that nobody is quicker.
    await client.query(`${endHolds}; select pg_advisory_lock(${0x6d75_7374})`);
    await expect.poll(() => onLost.mock.calls[0]?.[0]).toMatchObject({ code: "storage_locked" });
  });
  await alone.release();
});
