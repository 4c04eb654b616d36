import {
  equalJson,
  type Json,
  limits,
  MusterError,
  type OnChanged,
  type StateRestored,
  type StateRestoredDocument,
  type StateSnapshot,
  type StateSnapshotLine,
} from "@muster/sdk/protocol";
import type { Database } from "../../ports/database.ts";
import type { StateSpace } from "../orchestrator.ts";
import { readStateHeads } from "../queue/statements/state.ts";
import { listStateHeads } from "../queue/statements/state-snapshots.ts";
import { damaged, readSnapshotLines } from "./snapshot-lines.ts";
import type { SnapshotStore } from "./snapshot-store.ts";

/** Documents that are compared, or written, together; and the bytes of them after which a group is full. */
const documentsAtOnce = 50;
const bytesAtOnce = 8 * 1024 * 1024;
/** Paths that a refusal names. */
const mostNamed = 5;

export interface RestoreDependencies {
  database: Database;
  store: SnapshotStore;
  /** The project that it is restored into. */
  space: StateSpace;
  tenant: string;
  project: string;
  /** Takes a snapshot of what is there; answers its id. */
  takeBefore: () => Promise<string>;
}

export interface RestoreWish {
  onChanged: OnChanged;
  deleteOthers: boolean;
  prefix: string;
  dryRun: boolean;
}

type Outcome = StateRestoredDocument["outcome"];
/** What is to become of one document, and for which version of it that was decided. */
type Decision = StateRestoredDocument & { expected: number };

/**
 * Writes the documents of a snapshot as new versions. First all of it is read and compared, so that a damaged one is
 * refused before anything is written. What differs from the snapshot is left, replaced, or reason to refuse, as was
 * wished; before anything is replaced or deleted, a snapshot is taken of what is there. Every write is for the version that
 * was compared: where somebody was faster, what they wrote stays, and the report says so.
 */
export async function restoreSnapshot(
  deps: RestoreDependencies,
  snapshot: StateSnapshot,
  wish: RestoreWish,
): Promise<StateRestored> {
  const decisions = await compare(deps, snapshot, wish);
  const { plan } = decisions;
  const changed = [...plan.values()].filter(({ outcome }) => outcome === "kept");
  if (wish.onChanged === "refuse" && changed.length > 0 && !wish.dryRun) throw hasChanged(changed);
  const overwrites = [...plan.values()].some(
    ({ outcome }) => outcome === "replaced" || outcome === "deleted",
  );
  const before = overwrites && !wish.dryRun ? await deps.takeBefore() : null;
  if (!wish.dryRun) await carryOut(deps, snapshot, plan);
  return report(deps, snapshot, wish, before, decisions);
}

const inScope = (path: string, snapshot: StateSnapshot, { prefix }: RestoreWish): boolean =>
  path.startsWith(prefix) && path.startsWith(snapshot.prefix);

async function compare(
  { database, store, tenant, project }: RestoreDependencies,
  snapshot: StateSnapshot,
  wish: RestoreWish,
) {
  const plan = new Map<string, Decision>();
  const seen = new Set<string>();
  let unchanged = 0;
  for await (const group of groupsOf(store, snapshot)) {
    for (const { path } of group) seen.add(path);
    const wanted = group.filter(({ path }) => inScope(path, snapshot, wish));
    const keys = wanted.map(({ path }, ord) => ({ ord, tenant, project, path, wanted: true }));
    const heads = await database.query(readStateHeads, [JSON.stringify(keys)]);
    for (const head of heads) {
      const line = wanted[head.ord] as StateSnapshotLine;
      const current = head.version === null || head.deleted ? null : head.version;
      if (current !== null && equalJson(head.content as Json, line.content as Json)) unchanged++;
      else {
        const outcome = current === null ? "created" : wish.onChanged === "replace" ? "replaced" : "kept";
        plan.set(line.path, decide(line.path, outcome, line.version, current));
      }
    }
  }
  if (seen.size !== snapshot.documents) throw damaged(snapshot.id, "documents are missing");
  if (wish.deleteOthers) {
    const most = limits.stateDocumentsPerProject * 2;
    for (const { path, version } of await database.query(listStateHeads, [
      tenant,
      project,
      wish.prefix,
      most,
    ])) {
      if (!seen.has(path) && inScope(path, snapshot, wish))
        plan.set(path, decide(path, "deleted", null, version));
    }
  }
  return { plan, unchanged };
}

const decide = (
  path: string,
  outcome: Outcome,
  snapshotVersion: number | null,
  replacedVersion: number | null,
): Decision => ({ path, outcome, snapshotVersion, replacedVersion, expected: replacedVersion ?? 0 });

async function* groupsOf(store: SnapshotStore, snapshot: StateSnapshot): AsyncGenerator<StateSnapshotLine[]> {
  const { body } = await store.open(snapshot);
  let group: StateSnapshotLine[] = [];
  let bytes = 0;
  for await (const line of readSnapshotLines(snapshot.id, body)) {
    group.push(line);
    bytes += JSON.stringify(line.content).length;
    if (group.length < documentsAtOnce && bytes < bytesAtOnce) continue;
    yield group;
    group = [];
    bytes = 0;
  }
  if (group.length > 0) yield group;
}

async function carryOut(
  { store, space }: RestoreDependencies,
  snapshot: StateSnapshot,
  plan: ReadonlyMap<string, Decision>,
): Promise<void> {
  for await (const group of groupsOf(store, snapshot)) {
    await Promise.all(
      group.map(async ({ path, content }) => {
        const decision = plan.get(path);
        if (decision === undefined || decision.outcome === "kept") return;
        await unlessOutrun(decision, (ifVersion) =>
          space.write(path, { kind: "put", body: content, ifVersion }),
        );
      }),
    );
  }
  for (const decision of plan.values()) {
    if (decision.outcome !== "deleted") continue;
    await unlessOutrun(decision, (ifVersion) => space.write(decision.path, { kind: "delete", ifVersion }));
  }
}

async function unlessOutrun(
  decision: Decision,
  write: (ifVersion: number) => Promise<unknown>,
): Promise<void> {
  try {
    await write(decision.expected);
  } catch (error) {
    if (!(error instanceof MusterError && error.code === "precondition_failed")) throw error;
    decision.outcome = "outrun";
  }
}

function report(
  { project }: RestoreDependencies,
  { id }: StateSnapshot,
  { dryRun }: RestoreWish,
  before: string | null,
  { plan, unchanged }: Awaited<ReturnType<typeof compare>>,
): StateRestored {
  const all = [...plan.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
  const count = (outcome: Outcome) => all.filter((one) => one.outcome === outcome).length;
  return {
    snapshot: id,
    project,
    dryRun,
    before,
    created: count("created"),
    replaced: count("replaced"),
    kept: count("kept"),
    deleted: count("deleted"),
    outrun: count("outrun"),
    unchanged,
    documents: all.slice(0, limits.pageSize).map(({ expected: _, ...told }) => told),
  };
}

function hasChanged(changed: readonly Decision[]): MusterError {
  const named = changed
    .slice(0, mostNamed)
    .map(({ path, snapshotVersion, replacedVersion }) => `${path} (${snapshotVersion} → ${replacedVersion})`);
  const more = changed.length > mostNamed ? ` and ${changed.length - mostNamed} more` : "";
  const what = changed.length === 1 ? "1 document is" : `${changed.length} documents are`;
  return new MusterError(
    "conflict",
    `${what} not as in the snapshot: ${named.join(", ")}${more}. Nothing was written.`,
    {
      hint: "Say what becomes of these: keep them, or replace them (their versions stay in the history, and a snapshot of all is taken first).",
      details: {
        changed: changed.slice(0, limits.pageSize).map(({ path, snapshotVersion, replacedVersion }) => ({
          path,
          snapshotVersion,
          version: replacedVersion,
        })),
      },
    },
  );
}
