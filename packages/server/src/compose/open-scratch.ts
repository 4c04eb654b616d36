import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Scratch } from "../backup/verify-backup.ts";

/** A trial is one transaction, and may take long. */
const longestMs = 12 * 3_600_000;
/** Such work is better delayed by a line that is silent for a while than undone. */
const linePatienceMs = 60_000;

/** An embedded store in a folder for temporary files. */
export async function openScratchFolder(): Promise<Scratch> {
  const { createPgliteDatabase } = await import("../adapters/database/pglite/create-pglite-database.ts");
  const dataDir = await mkdtemp(join(tmpdir(), "muster-verify-"));
  const drop = () => rm(dataDir, { recursive: true, force: true });
  try {
    const database = await createPgliteDatabase({ dataDir, transactionMs: longestMs, still: true });
    return { database, shown: "an embedded store for the trial", drop: () => database.close().finally(drop) };
  } catch (error) {
    await drop();
    throw error;
  }
}

/** A database of its own on the server of `url`, whose user must be allowed to create one. */
export async function openScratchDatabase(url: string): Promise<Scratch> {
  const name = `muster_verify_${randomUUID().slice(0, 8)}`;
  const place = await createDatabase(url, name);
  const drop = () => onServer(url, `drop database if exists "${name}"`);
  try {
    const database = await openLong(place);
    return {
      database,
      shown: `the database ${name} for the trial`,
      drop: () => database.close().finally(drop),
    };
  } catch (error) {
    await drop();
    throw error;
  }
}

/** A new, empty database beside the one that `url` names; answers its URL. */
export async function createDatabase(url: string, name: string): Promise<string> {
  await onServer(url, `create database "${name}" encoding 'UTF8' template template0`);
  const place = new URL(url);
  place.pathname = `/${name}`;
  return place.href;
}

/** A connection for work that takes long. */
export async function openLong(url: string) {
  const { createPostgresDatabase } = await import(
    "../adapters/database/postgres/create-postgres-database.ts"
  );
  const longest = { transactionMs: longestMs, answerMs: longestMs, patienceMs: linePatienceMs };
  return createPostgresDatabase({ url, connections: 1, ...longest });
}

async function onServer(url: string, statement: string): Promise<void> {
  const { createPostgresDatabase } = await import(
    "../adapters/database/postgres/create-postgres-database.ts"
  );
  const database = await createPostgresDatabase({ url, connections: 1 });
  await database.execute(statement).finally(() => database.close());
}
