import { describe, expect, test, vi } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import type { CliContext } from "../cli-context.ts";
import { runCli } from "../run-cli.ts";

async function migrate(argv: string[], parts: Partial<CliContext>) {
  const context = createFakeCliContext(parts);
  const exitCode = await runCli(["migrate", ...argv], context);
  return { exitCode, out: context.stdout.text(), err: context.stderr.text() };
}

describe("migrate", () => {
  const report = {
    dryRun: false,
    tables: [{ name: "task", rows: 3, checksum: "-42" }],
    replaced: [{ name: "agent", rows: 1 }],
  };
  const url = `postgres://ann@db/muster`;

  test("takes the data folder and DATABASE_URL where nothing else is said", async () => {
    const migrateStore = vi.fn(async () => report);
    const more = { migrateStore, env: { DATABASE_URL: url } };
    const { exitCode, out } = await migrate([], more);
    expect(exitCode).toBe(0);
    expect(migrateStore).toHaveBeenCalledWith(
      expect.objectContaining({ from: "/nowhere/.muster", to: url, dryRun: false, force: false }),
    );
    expect(out).toContain("replaced what the target held: agent 1");
    expect(out).toContain("3 rows were copied");
  });

  test("rehearses, goes back, and prints the report as JSON alone", async () => {
    const migrateStore = vi.fn(async () => ({ ...report, dryRun: true }));
    const argv = ["--from", url, "--to", "store", "--dry-run", "--force", "--json"];
    const { out } = await migrate(argv, { migrateStore });
    expect(migrateStore).toHaveBeenCalledWith(
      expect.objectContaining({ from: url, to: "/nowhere/store", dryRun: true, force: true }),
    );
    expect(JSON.parse(out)).toEqual({ ...report, dryRun: true });
  });

  test("wants to know where to", async () => {
    const { exitCode, err } = await migrate([], {});
    expect(exitCode).toBe(2);
    expect(err).toContain("--to postgres://");
  });
});
