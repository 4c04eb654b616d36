import { afterEach, expect, test } from "vitest";
import { createPostgresDatabase } from "../../adapters/database/postgres/create-postgres-database.ts";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { type Scratch, scratchDatabase } from "../../test/services.ts";
import type { Finding } from "../doctor/finding.ts";
import { runCli } from "../run-cli.ts";

let scratch: Scratch;
afterEach(() => scratch.drop());

/** What is on the disk of the server that the tests have. */
const offered = async (): Promise<string | null> => {
  const database = await createPostgresDatabase({ url: scratch.url });
  const text = "select max(default_version) as version from pg_available_extensions where name = 'vector'";
  const [row] = await database.query<{ version: string | null }>({ name: "offered_vector", text });
  await database.close();
  return row?.version ?? null;
};

async function doctor() {
  const context = createFakeCliContext({ env: { DATABASE_URL: scratch.url } });
  const exitCode = await runCli(["doctor", "--json", "--offline"], context);
  const { findings } = JSON.parse(context.stdout.text()) as { findings: Finding[] };
  return { exitCode, of: (about: string) => findings.find((finding) => finding.about === about) };
}

test("the database that is configured is looked at without a node, and not changed", async () => {
  scratch = await scratchDatabase();
  const version = await offered();
  const { of } = await doctor();
  expect(of("database")).toMatchObject({ state: "ok", says: expect.stringMatching(/^PostgreSQL \d\d/) });
  const says = version === null ? "it is not installed" : `version ${version} is installed, and not created`;
  expect(of("pgvector")).toMatchObject({ state: "missing", says: expect.stringContaining(says) });
  expect((await doctor()).of("pgvector")).toEqual(of("pgvector"));
});
