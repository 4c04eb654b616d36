import { MusterError } from "@muster/sdk/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createSystemClock } from "../../adapters/clock/system-clock.ts";
import { createInMemoryLocks } from "../../adapters/locks/in-memory/create-in-memory-locks.ts";
import type { Database } from "../../ports/database.ts";
import { freshDatabase, orchestrate, someone } from "../orchestrate.ts";

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

it("a node that can't reach the database leaves upkeep to others and lets nobody wait in vain, until it can", async () => {
  let cutOff = false;
  const reach = async (): Promise<void> => {
    if (cutOff) throw new MusterError("unavailable", "The database does not answer.");
  };
  const locks = createInMemoryLocks({ clock: createSystemClock() });
  const node = await orchestrate(
    {
      ...database,
      query: (statement, parameters) => reach().then(() => database.query(statement, parameters)),
      transaction: (work) => reach().then(() => database.transaction(work)),
    },
    {},
    { locks },
  );
  const takeDuty = () => locks.acquire("upkeep", 60_000);
  await expect.poll(takeDuty).toBeNull();
  const [task] = await node.orchestrator.tasks.submit([{ capability: "nobody" }], someone);
  const waiting = node.orchestrator.tasks.wait(task!.id, 60_000, someone);
  waiting.catch(() => {});
  cutOff = true;
  await expect(waiting).rejects.toMatchObject({ code: "unavailable" });
  let duty = null as Awaited<ReturnType<typeof takeDuty>>;
  await expect.poll(async () => (duty ??= await takeDuty())).not.toBeNull();
  cutOff = false;
  await locks.release(duty!);
  await expect
    .poll(async () => {
      const taken = await takeDuty();
      if (taken !== null) await locks.release(taken);
      return taken;
    })
    .toBeNull();
  await node.stop();
});
