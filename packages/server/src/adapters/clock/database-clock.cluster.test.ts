import { expect, test, vi } from "vitest";
import { scratchDatabase } from "../../test/services.ts";
import { createPostgresDatabase } from "../database/postgres/create-postgres-database.ts";
import { createDatabaseClock } from "./database-clock.ts";

test("nodes whose own clocks are minutes apart agree on the time", async () => {
  const scratch = await scratchDatabase();
  const database = await createPostgresDatabase({ url: scratch.url });
  const computer = vi.spyOn(Date, "now").mockReturnValue(Date.now() - 600_000);
  const slow = await createDatabaseClock({ database });
  computer.mockReturnValue(Date.now() + 1_200_000);
  const fast = await createDatabaseClock({ database });
  computer.mockRestore();
  expect(Math.abs(slow.now() - fast.now())).toBeLessThan(250);
  expect(Math.abs(slow.now() - Date.now())).toBeLessThan(250);
  slow.stop();
  fast.stop();
  await database.close();
  await scratch.drop();
});
