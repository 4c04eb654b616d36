import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@muster/sdk";
import type { Backup } from "@muster/sdk/protocol";
import { afterEach, expect, test } from "vitest";
import { cleanUp, startProcess, temporaryFolder } from "./support/processes.ts";
import { binary, startFreshServer, startServer } from "./support/server-process.ts";

afterEach(cleanUp);

/** Runs a command with the key of the backups. */
const muster = (keyFile: string, ...words: string[]) =>
  startProcess(process.execPath, [binary, ...words], { env: { MUSTER_BACKUP_KEY_FILE: keyFile } }).ended;

test("a backup is written beside the work of a server, and a server goes on from it elsewhere", {
  timeout: 120_000,
}, async () => {
  const folder = temporaryFolder();
  const dataDir = join(folder, "data");
  const keyFile = join(folder, "key");
  writeFileSync(keyFile, `${"0f".repeat(32)}\n`);
  const { server, client, apiKey } = await startFreshServer(dataDir);
  const { id } = await client.tasks.submit({ capability: "nobody_offers_this", input: { text: "kept" } });
  const plain = await client.backups.create();
  expect(plain).toMatchObject({ kind: "create", status: "running" });
  let job = plain;
  while (job.status === "running") job = await client.backups.job(job.id, 5_000);
  expect(job).toMatchObject({ status: "completed", backupId: plain.backupId });
  await client.tasks.cancel(id);
  await server.end("SIGTERM");

  // Without a server the command opens the store itself, and here it has a key.
  const created = await muster(keyFile, "backup", "create", "--json", "--encrypt", "--data-dir", dataDir);
  expect(created.exitCode).toBe(0);
  const sealed = JSON.parse(created.out) as Backup;
  expect(sealed).toMatchObject({ encrypted: true, verifiedAt: null });
  const verified = await muster(keyFile, "backup", "verify", sealed.id, "--from", dataDir);
  expect(verified).toMatchObject({ exitCode: 0, out: expect.stringContaining("can be restored") });
  const to = join(folder, "restored");
  const locked = await muster("", "backup", "restore", sealed.id, "--from", dataDir, "--to", to);
  expect([locked.exitCode !== 0, locked.err]).toEqual([true, expect.stringContaining("is encrypted")]);
  expect(readdirSync(folder)).not.toContain("restored");
  const restored = await muster("", "backup", "restore", plain.backupId, "--from", dataDir, "--to", to);
  expect(restored).toMatchObject({ exitCode: 0, out: expect.stringContaining("compared") });
  const next = await startServer({ dataDir: to });
  // As it was then: the cancel came later.
  expect(await createClient({ url: next.url, apiKey }).tasks.get(id)).toMatchObject({
    status: "ready",
    input: { text: "kept" },
  });
});
