import { expect, it } from "vitest";
import { describeDatabaseContract } from "../../../test/contracts/database.ts";
import { createPostgresDatabase } from "./create-postgres-database.ts";

// A server to test against is named by who runs the tests; it gets a table `contract`, which is dropped again.
const url = process.env.MUSTER_TEST_DATABASE_URL;
if (url) describeDatabaseContract("PostgreSQL", () => createPostgresDatabase({ url, checkNesting: true }));

it("PostgreSQL that can't be reached is refused with what to check", async () => {
  const refused = createPostgresDatabase({ url: "postgres://nobody@127.0.0.1:1/none" });
  await expect(refused).rejects.toMatchObject({
    code: "unavailable",
    hint: expect.stringContaining("address"),
  });
});
