import { limits, MusterError, type StateSnapshot, type StateSnapshotLine } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import { readStateVersions } from "../queue/statements/state.ts";
import { listStateHeads } from "../queue/statements/state-snapshots.ts";
import { isoTime } from "../task-view.ts";
import type { SnapshotStore } from "./snapshot-store.ts";

/** Contents that are read together. */
const bytesAtOnce = 4 * 1024 * 1024;
const documentsAtOnce = 100;
/** How often it begins anew because a document was overwritten faster than it could be read. */
const mostTries = 3;

export interface TakeDependencies {
  database: Database;
  clock: Clock;
  ids: Ids;
}

export interface Taken {
  tenant: string;
  project: string;
  prefix: string;
  label: string | null;
  by: string;
}

interface Head {
  path: string;
  version: number;
  bytes: number;
}

/** A version was overwritten so often that it is not kept any more. */
class Outrun extends Error {}

/**
 * The documents of a project as they are at one moment. The moment is one statement, which says what version each
 * document has; the contents of these versions are read afterwards, page by page. So nobody waits for a snapshot, and no
 * transaction is open for as long as it takes: versions stay in the history while it does.
 */
export async function takeSnapshot(
  deps: TakeDependencies,
  store: SnapshotStore,
  taken: Taken,
): Promise<StateSnapshot> {
  for (let tries = 1; ; tries++) {
    try {
      return await takeOnce(deps, store, taken);
    } catch (error) {
      if (!(error instanceof Outrun)) throw error;
      if (tries >= mostTries) throw tooBusy(error.message);
    }
  }
}

async function takeOnce(
  { database, clock, ids }: TakeDependencies,
  store: SnapshotStore,
  { tenant, project, prefix, label, by }: Taken,
): Promise<StateSnapshot> {
  const at = clock.now();
  const most = limits.stateDocumentsPerProject * 2;
  const heads = await database.query(listStateHeads, [tenant, project, prefix, most]);
  const newestVersion = heads.reduce((highest, { version }) => Math.max(highest, version), 0);
  const about = { id: ids.next(), project, label, prefix, at: isoTime(at), by };
  return store.put(
    { ...about, documents: heads.length, newestVersion },
    readContents(database, tenant, project, heads),
  );
}

async function* readContents(database: Database, tenant: string, project: string, heads: readonly Head[]) {
  const encoder = new TextEncoder();
  for (const page of pagesOf(heads)) {
    const wanted = page.map(({ path, version }, ord) => ({ ord, tenant, project, path, version }));
    const rows = await database.query(readStateVersions, [JSON.stringify(wanted)]);
    const byOrd = new Map(rows.map((row) => [row.ord, row]));
    const lines = page.map(({ path, version }, ord) => {
      const row = byOrd.get(ord);
      if (row === undefined) throw new Outrun(path);
      const { written_at, written_by: writtenBy, content } = row;
      const line: StateSnapshotLine = {
        path,
        version,
        writtenAt: isoTime(written_at),
        writtenBy,
        content,
      };
      return `${JSON.stringify(line)}\n`;
    });
    yield encoder.encode(lines.join(""));
  }
}

/** Bounded by documents and by bytes; a page has one document at least. */
function pagesOf<T extends { bytes: number }>(items: readonly T[]): T[][] {
  const pages: T[][] = [];
  let page: T[] = [];
  let bytes = 0;
  for (const item of items) {
    if (page.length > 0 && (page.length >= documentsAtOnce || bytes + item.bytes > bytesAtOnce)) {
      pages.push(page);
      page = [];
      bytes = 0;
    }
    page.push(item);
    bytes += item.bytes;
  }
  return page.length === 0 ? pages : [...pages, page];
}

const tooBusy = (path: string): MusterError =>
  new MusterError("unavailable", `${path} is overwritten faster than a snapshot can read it.`, {
    hint: `Try again; ${limits.stateVersionsKept} versions of each document are kept.`,
  });
