import {
  type Json,
  limits,
  MusterError,
  type StateLock,
  type StateWrite,
  type StateWritten,
} from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import { leaseLost } from "../gateway/lease-lost.ts";
import type { TaskLease } from "../orchestrator.ts";
import {
  readLeases,
  readStateHeads,
  readStateVersions,
  type StateHead,
  writeState,
} from "../queue/statements/state.ts";
import { isoTime } from "../task-view.ts";
import { checkRoom } from "./check-room.ts";
import {
  type Base,
  type Current,
  type Evaluated,
  evaluateWrite,
  type Fence,
  needsContent,
} from "./evaluate-write.ts";

/** How often a write is tried again because another node was faster. */
const mostRounds = 20;

/** Somebody wants to write a document. */
export interface WriteCall {
  tenant: string;
  project: string;
  path: string;
  write: StateWrite;
  by: string;
  /** Where an agent writes: only while the lease is live. */
  lease: TaskLease | null;
}

/** What became of it. A refusal is an answer, so that it does not fail those who came along. */
export type WriteAnswer = StateWritten | MusterError;

/**
 * The fences of the grants that are live, in the order of the locks; null: not held. It runs in the transaction of the
 * write and holds the grants until that ends.
 */
export type ProveLocks = (
  tx: Queryable,
  locks: readonly { tenant: string; name: string; token: string }[],
  now: number,
) => Promise<readonly (number | null)[]>;

interface Version {
  call: WriteCall;
  at: number;
  version: number;
  evaluated: Evaluated;
}

/** What is to become of one document: the versions that the writes make of it, one after the other. */
interface Chain {
  head: StateHead;
  calls: { call: WriteCall; at: number }[];
  versions: Version[];
}

interface Round {
  chains: Chain[];
  /** By the place of the call. */
  refused: Map<number, MusterError>;
  /** Whether each chain was written, or had nothing to write. */
  took: boolean[];
}

export interface WriteDependencies {
  database: Database;
  clock: Clock;
  proveLocks: ProveLocks;
}

/**
 * Writes that arrive together share two statements: one reads what the documents are, one writes what the writes make
 * of them, provided that nobody else wrote in between. Writes of the same document are made one after the other in
 * memory and are versions of their own, so many writers of one document cost no more than one.
 */
export function createWriteTogether({ database, clock, proveLocks }: WriteDependencies) {
  return async function writeTogether(calls: WriteCall[]): Promise<WriteAnswer[]> {
    const answers: WriteAnswer[] = [];
    let open = calls.map((call, at) => ({ call, at }));
    for (let round = 0; open.length > 0 && round < mostRounds; round++) {
      const now = clock.now();
      const { chains, refused, took } = await playRound(open, now);
      for (const [index, chain] of chains.entries()) {
        if (!took[index]) continue;
        for (const { at } of chain.calls) answers[at] = refused.get(at) as MusterError;
        for (const version of chain.versions) answers[version.at] = writtenOf(version, now);
      }
      open = chains.flatMap((chain, index) => (took[index] ? [] : chain.calls));
    }
    for (const { call, at } of open) answers[at] = tooBusy(call.path);
    return answers;
  };

  /** Under locks all of it is one transaction, in which they are held; without, two statements on their own. */
  function playRound(open: Chain["calls"], now: number): Promise<Round> {
    const underLock = open.some(({ call }) => call.write.lock !== undefined);
    return underLock ? database.transaction((tx) => play(tx, open, now)) : play(database, open, now);
  }

  async function play(db: Queryable, open: Chain["calls"], now: number): Promise<Round> {
    const fences = await readFences(db, open, now);
    const chains = await readChains(db, open);
    const refused = await evaluate(db, chains, fences);
    return { chains, refused, took: await writeChains(db, chains, now) };
  }

  /** By the place of the call. */
  async function readFences(db: Queryable, calls: Chain["calls"], now: number) {
    const fences = new Map<number, Fence | null>();
    const locked = calls.filter(({ call }) => call.write.lock !== undefined);
    if (locked.length === 0) return fences;
    const locks = locked.map(({ call }) => ({ tenant: call.tenant, ...(call.write.lock as StateLock) }));
    const found = await proveLocks(db, locks, now);
    for (const [index, { at }] of locked.entries()) {
      const fence = found[index] ?? null;
      fences.set(at, fence === null ? null : { name: (locks[index] as StateLock).name, fence });
    }
    return fences;
  }

  async function readChains(db: Queryable, open: Chain["calls"]): Promise<Chain[]> {
    const byKey = new Map<string, Chain["calls"]>();
    for (const one of open) {
      const key = JSON.stringify([one.call.tenant, one.call.project, one.call.path]);
      const others = byKey.get(key);
      if (others === undefined) byKey.set(key, [one]);
      else others.push(one);
    }
    const groups = [...byKey.values()];
    const keys = groups.map((calls, ord) => {
      const { tenant, project, path } = (calls[0] as Chain["calls"][number]).call;
      return { ord, tenant, project, path, wanted: calls.some(({ call }) => needsContent(call.write)) };
    });
    const heads = await db.query(readStateHeads, [JSON.stringify(keys)]);
    return heads.map((head) => ({ head, calls: groups[head.ord] as Chain["calls"], versions: [] }));
  }

  /** Fills in the versions; answers the refusals by the place of the call. */
  async function evaluate(
    db: Queryable,
    chains: readonly Chain[],
    fences: ReadonlyMap<number, Fence | null>,
  ): Promise<Map<number, MusterError>> {
    const calls = chains.flatMap((chain) => chain.calls);
    const [bases, live] = [await readBases(db, calls), await liveLeases(db, calls)];
    const refused = new Map<number, MusterError>();
    for (const chain of chains) {
      let current = currentOf(chain.head);
      for (const { call, at } of chain.calls) {
        try {
          if (call.lease !== null && !live.has(`${call.lease.taskId} ${call.lease.leaseToken}`))
            throw leaseLost(call.lease.taskId);
          const fence = fences.get(at);
          if (fence === null) throw notHeld(call.write.lock as StateLock);
          const evaluated = evaluateWrite(call.path, call.write, current, bases.get(at) ?? null, fence);
          checkRoom(chain.head, call.project);
          const version = Math.max(current.version, chain.head.floor) + 1;
          chain.versions.push({ call, at, version, evaluated });
          const deleted = evaluated.content === undefined;
          current = { version, deleted, content: evaluated.content, fences: evaluated.fences };
        } catch (error) {
          if (!(error instanceof MusterError)) throw error;
          refused.set(at, error);
        }
      }
    }
    return refused;
  }

  /** What three-way merges were made for, by the place of the call. */
  async function readBases(db: Queryable, calls: Chain["calls"]): Promise<Map<number, Base>> {
    const keys = calls
      .filter(({ call }) => call.write.merge !== undefined && call.write.ifVersion !== 0)
      .map(({ call: { tenant, project, path, write }, at }) => ({
        ord: at,
        tenant,
        project,
        path,
        version: write.ifVersion,
      }));
    const bases = new Map<number, Base>();
    for (const { call, at } of calls) {
      if (call.write.merge !== undefined && call.write.ifVersion === 0)
        bases.set(at, { version: 0, content: undefined });
    }
    if (keys.length === 0) return bases;
    for (const row of await db.query(readStateVersions, [JSON.stringify(keys)]))
      bases.set(row.ord, { version: row.version, content: row.deleted ? undefined : (row.content as Json) });
    return bases;
  }

  async function liveLeases(db: Queryable, calls: Chain["calls"]): Promise<Set<string>> {
    const taskIds = new Set(calls.flatMap(({ call }) => (call.lease === null ? [] : [call.lease.taskId])));
    if (taskIds.size === 0) return new Set();
    const rows = await db.query(readLeases, [[...taskIds]]);
    return new Set(rows.map((row) => `${row.id} ${row.lease_token}`));
  }

  /** Whether each chain was written, or had nothing to write. */
  async function writeChains(db: Queryable, chains: readonly Chain[], now: number): Promise<boolean[]> {
    const filled = chains.filter((chain) => chain.versions.length > 0);
    if (filled.length === 0) return chains.map(() => true);
    const rows = await db.query(writeState, [rowsText(filled), now, limits.stateVersionsKept]);
    const took = new Set(rows.map((row) => JSON.stringify([row.tenant, row.project, row.path])));
    return chains.map(({ versions: [first] }) => {
      if (first === undefined) return true;
      const { tenant, project, path } = first.call;
      return took.has(JSON.stringify([tenant, project, path]));
    });
  }
}

function currentOf({ version, deleted, content, fences }: StateHead): Current {
  if (version === null) return { version: 0, deleted: true, content: undefined, fences: {} };
  return {
    version,
    deleted: deleted === true,
    content: deleted === true ? undefined : (content as Json),
    fences: fences ?? {},
  };
}

/** JSON text of the rows. Contents are JSON texts already and go in as they are. */
function rowsText(chains: readonly Chain[]): string {
  const rows = chains.flatMap(({ head, versions }) =>
    versions.map(({ call, at, version, evaluated }, index) => {
      const row = JSON.stringify({
        ord: at,
        tenant: call.tenant,
        project: call.project,
        path: call.path,
        expected: head.version ?? 0,
        version,
        newest: index === versions.length - 1,
        deleted: evaluated.text === null,
        bytes: evaluated.bytes,
        written_by: call.by,
        agent_id: call.lease?.agentId ?? null,
        fences: Object.keys(evaluated.fences).length === 0 ? null : evaluated.fences,
        task_id: call.lease?.taskId ?? null,
        token: call.lease?.leaseToken ?? null,
      });
      return `${row.slice(0, -1)},"content":${evaluated.text ?? "null"}}`;
    }),
  );
  return `[${rows.join(",")}]`;
}

function writtenOf({ call, version, evaluated }: Version, now: number): StateWritten {
  const { project, path, by, write } = call;
  const isAsSent = write.kind === "put" && !evaluated.merged;
  return {
    project,
    path,
    version,
    deleted: evaluated.text === null,
    bytes: evaluated.bytes,
    writtenAt: isoTime(now),
    writtenBy: by,
    merged: evaluated.merged,
    ...(isAsSent || evaluated.text === null ? {} : { content: JSON.parse(evaluated.text) }),
  };
}

const notHeld = ({ name }: StateLock): MusterError =>
  new MusterError("lock_lost", `The lock ${name} is not held under this token.`, {
    hint: "It ended, was released, or somebody else has it. Get it again, and read the document before writing.",
  });

const tooBusy = (path: string): MusterError =>
  new MusterError("unavailable", `Too many others write ${path} at this moment.`, {
    hint: "Nothing was written. Try again in a moment.",
  });
