// @ts-check
// Plain JavaScript, because a worker thread runs it from the sources too and Node 20 loads no TypeScript.
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";

/** How PGlite leaves its main loop when a statement fails; every other exception means that the engine broke. */
const statementFailed = 100;

/** Lines of PostgreSQL's own words that go into an error. */
const keptLines = 12;

/**
 * PGlite's own parameters turn syncing off (`-F`) and reserve 128 MB. We sync the WAL, so that what was
 * acknowledged outlives the process, and keep the rest small: nothing but upkeep's CHECKPOINT recycles WAL.
 */
const durable = [
  ...PGlite.defaultStartParams.filter((parameter) => parameter !== "-F"),
  "-c",
  "fsync=on",
  "-c",
  "wal_sync_method=open_datasync",
];
/**
 * Nobody gathers statistics here, and the planner would guess: scan whole tables, or read a partial index with all
 * its dead entries as a bitmap. Every hot statement is a few look-ups by index, so nothing else is offered to it.
 */
const indexed = ["seqscan", "bitmapscan", "hashjoin", "mergejoin"].flatMap((way) => [
  "-c",
  `enable_${way}=off`,
]);
const small = ["-c", "shared_buffers=48MB", "-c", "min_wal_size=32MB", "-c", "max_wal_size=128MB"];

/**
 * Opens PostgreSQL in this thread. `exec` runs one request and returns the whole answer before it returns;
 * `onBroken` is told at most once, from inside `exec`, when the engine broke.
 *
 * @param {import("./engine-options.ts").EngineOptions} options
 * @param {(error: Error) => void} onBroken
 */
export async function openEngine({ folder, archive }, onBroken) {
  /** @type {string[]} */
  const lines = [];
  const keep = (/** @type {string} */ line) => {
    lines.push(line);
    if (lines.length > keptLines) lines.shift();
    return false;
  };
  let db;
  try {
    db = await PGlite.create({
      dataDir: folder ?? "memory://",
      startParams: [...(folder === null ? PGlite.defaultStartParams : durable), ...small, ...indexed],
      // There for whoever creates it in a database; that it can be costs a few milliseconds.
      extensions: { vector },
      onStderr: keep,
      ...(archive ? { loadDataDir: new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (archive)]) } : {}),
    });
  } catch (error) {
    throw new Error(`${describe(error)}${lines.length ? `\n${lines.join("\n")}` : ""}`);
  }
  watch(db, (error) => onBroken(new Error(`${describe(error)}${lines.map((line) => `\n${line}`).join("")}`)));

  return {
    /** @param {Uint8Array} request */
    exec(request) {
      /** @type {Uint8Array[]} */
      const chunks = [];
      // Runs to its end before it returns. The plain execProtocolRaw would also parse every answer and keep it.
      db.execProtocolRawStream(request, {
        syncToFs: false,
        onRawData: (chunk) => chunks.push(chunk.slice()),
      }).catch(onBroken);
      return join(chunks);
    },
    close: () => db.close(),
  };
}

/**
 * PGlite swallows every exception of its main loop and goes on, so that a crash inside would look like an empty
 * answer. This tells them apart.
 *
 * @param {PGlite} db
 * @param {(error: unknown) => void} onBroken
 */
function watch(db, onBroken) {
  const module = /** @type {{ _PostgresMainLoopOnce(): void }} */ (/** @type {unknown} */ (db.Module));
  const loopOnce = module._PostgresMainLoopOnce;
  let broken = false;
  module._PostgresMainLoopOnce = () => {
    try {
      loopOnce();
    } catch (error) {
      const status = /** @type {{ status?: number } | undefined} */ (error)?.status;
      if (status !== statementFailed && !broken) {
        broken = true;
        onBroken(error);
      }
      throw error;
    }
  };
}

/** @param {unknown} error */
function describe(error) {
  if (error instanceof Error) return error.message;
  const { name, status } = /** @type {{ name?: string, status?: number }} */ (error ?? {});
  return status === undefined ? String(error) : `${name ?? "exit"} with status ${status}`;
}

/** @param {Uint8Array[]} chunks */
function join(chunks) {
  if (chunks.length === 1) return /** @type {Uint8Array} */ (chunks[0]);
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
