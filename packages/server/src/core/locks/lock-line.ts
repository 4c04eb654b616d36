import { limits, MusterError } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import { leaseLost } from "../gateway/lease-lost.ts";
import { createGroup, type NextTurn } from "../group.ts";
import {
  handOver,
  holdLocks,
  holdTasks,
  type LockRow,
  leaveLines,
  releaseLocks,
  takeLocks,
} from "../queue/statements/locks.ts";
import type { LockKey } from "../queue/statements/read-locks.ts";

/** Who wants a lock, and for how long. */
export interface Claimant extends LockKey {
  token: string;
  /** For people. */
  holder: string;
  /** The task whose attempt takes it; null: a program takes it for itself. */
  task: { id: string; leaseToken: string; agentId: string } | null;
  ttlMs: number;
  /** Until when it stands in line. */
  until: number;
}

export interface Granted extends LockKey {
  token: string;
  fence: number;
  expiresAt: number;
}

/** Of somebody who holds a lock, or stands in its line. */
type Place = LockKey & { token: string };

export type Turn = { grant: Granted } | { place: number } | { refusal: MusterError };

export interface LockLineDependencies {
  database: Database;
  clock: Clock;
  nextTurn?: NextTurn;
  /** Told of every grant, once it is committed. */
  onGranted: (grants: readonly Granted[]) => void;
}

const groupSize = 100;
/** Times that one statement tries to hand a lock over before its row is held for it. */
const handOverTries = 3;
/** Lines that are moved on in one transaction. */
const linesAtOnce = 100;

/**
 * The lines of all locks: who holds, who comes next. Each change holds the row of its lock first and decides in a
 * statement behind that, which sees what all before it did; so a line has one order, whichever nodes work on it.
 */
export function createLockLine({ database, clock, nextTurn, onGranted }: LockLineDependencies) {
  const takeGroup = createGroup<Claimant, Turn>({ most: groupSize, nextTurn, run: takeTogether });
  const leaveGroup = createGroup<Place, boolean>({
    most: groupSize,
    nextTurn,
    run: leaveTogether,
  });

  async function takeTogether(claimants: Claimant[]): Promise<Turn[]> {
    const { rows, live } = await database.transaction(async (tx) => {
      const tasks = await holdAttempts(tx, claimants);
      const admitted = claimants.filter((claimant) => refusalOf(claimant, tasks) === null);
      const newcomers = admitted.map((claimant, ord) => newcomerOf(claimant, ord, tasks));
      return { rows: await moveOn(tx, newcomers, admitted), live: tasks };
    });
    tell(rows);
    const turns = new Map(rows.map((row) => [nameOf(row), row]));
    return claimants.map((claimant) => {
      const refusal = refusalOf(claimant, live);
      return refusal === null ? turnOf(claimant, turns.get(nameOf(claimant))) : { refusal };
    });
  }

  /** `newcomers` line up, and the lines of these locks move on. */
  async function moveOn(
    tx: Queryable,
    newcomers: readonly object[],
    locks: readonly LockKey[],
    held = false,
  ): Promise<LockRow[]> {
    const keys = distinct(locks);
    if (keys.length === 0) return [];
    if (!held) await tx.query(holdLocks, [JSON.stringify(keys)]);
    const most = limits.waitersPerLock;
    return tx.query(takeLocks, [JSON.stringify(newcomers), JSON.stringify(keys), clock.now(), most]);
  }

  /** Releases what is held and leaves the line otherwise; answers what was held. */
  async function leaveTogether(grants: Place[]): Promise<boolean[]> {
    const gone = await passOn(grants);
    const left = grants.filter((grant) => !gone.has(nameOf(grant)));
    if (left.length > 0) for (const grant of await leaveInTurn(left)) gone.add(nameOf(grant));
    return grants.map((grant) => gone.has(nameOf(grant)));
  }

  /** Hands over what can be handed over by one statement; answers the names of what was let go of. */
  async function passOn(grants: readonly Place[]): Promise<Set<string>> {
    const gone = new Set<string>();
    let open = grants;
    for (let tries = 0; tries < handOverTries && open.length > 0; tries++) {
      const rows = await database.query(handOver, [JSON.stringify(open), clock.now()]);
      const granted = rows.filter((row) => row.kind === "granted").map(grantOf);
      if (granted.length > 0) onGranted(granted);
      for (const row of rows) if (row.kind === "released") gone.add(nameOf(row));
      open = rows.filter((row) => row.kind === "again");
    }
    return gone;
  }

  /** The same where somebody else works on the line, or what is left is a place in it. */
  async function leaveInTurn(grants: readonly Place[]): Promise<readonly Place[]> {
    const tokens = JSON.stringify(grants);
    const { rows, released } = await database.transaction(async (tx) => {
      const first = await tx.query(releaseLocks, [tokens, clock.now()]);
      if (first.length === grants.length)
        return { released: first, rows: await moveOn(tx, [], grants, true) };
      await tx.query(holdLocks, [JSON.stringify(distinct(grants))]);
      await tx.query(leaveLines, [tokens]);
      const late = await tx.query(releaseLocks, [tokens, clock.now()]);
      return { released: [...first, ...late], rows: await moveOn(tx, [], grants, true) };
    });
    tell(rows);
    return released;
  }

  function tell(rows: readonly LockRow[]): void {
    const granted = rows.filter((row) => row.kind === "granted").map(grantOf);
    if (granted.length > 0) onGranted(granted);
  }

  return {
    take: takeGroup,
    leave: leaveGroup,
    /** Lets lines move on where a holder is gone. */
    async settle(keys: readonly LockKey[]): Promise<void> {
      for (let start = 0; start < keys.length; start += linesAtOnce) {
        const some = keys.slice(start, start + linesAtOnce);
        tell(await database.transaction((tx) => moveOn(tx, [], some)));
      }
    },
  };
}

export type LockLine = ReturnType<typeof createLockLine>;

type LiveTasks = ReadonlyMap<string, { attempt: number; tenant: string; locks: number }>;

/** Holds the tasks whose attempts want locks, in the order of ids and before any lock, as everybody does. */
async function holdAttempts(tx: Queryable, claimants: readonly Claimant[]): Promise<LiveTasks> {
  const tasks = claimants.flatMap(({ task }) => (task === null ? [] : [task]));
  if (tasks.length === 0) return new Map();
  const rows = await tx.query(holdTasks, [
    tasks.map((task) => task.id),
    tasks.map((task) => task.leaseToken),
    tasks.map((task) => task.agentId),
  ]);
  return new Map(rows.map((row) => [row.id, row]));
}

function refusalOf({ task, tenant }: Claimant, live: LiveTasks): MusterError | null {
  if (task === null) return null;
  const found = live.get(task.id);
  if (found === undefined || found.tenant !== tenant) return leaseLost(task.id);
  if (found.locks < limits.locksPerTask) return null;
  return new MusterError(
    "limit_exceeded",
    `An attempt at a task holds ${limits.locksPerTask} locks at most.`,
  );
}

const newcomerOf = (claimant: Claimant, ord: number, live: LiveTasks): object => ({
  ord,
  tenant: claimant.tenant,
  name: claimant.name,
  token: claimant.token,
  holder: claimant.holder,
  task_id: claimant.task?.id ?? null,
  attempt: claimant.task === null ? null : live.get(claimant.task.id)?.attempt,
  ttl_ms: claimant.ttlMs,
  until: claimant.until,
});

function turnOf({ name }: Claimant, row: LockRow | undefined): Turn {
  if (row?.kind === "granted") return { grant: grantOf(row) };
  if (row?.kind === "waiting") return { place: row.place as number };
  const message = `${limits.waitersPerLock} stand in line for lock ${name} already.`;
  return { refusal: new MusterError("limit_exceeded", message, { hint: "Try again later." }) };
}

const grantOf = (row: Pick<LockRow, "tenant" | "name" | "token" | "fence" | "expires_at">): Granted => ({
  tenant: row.tenant,
  name: row.name,
  token: row.token,
  fence: row.fence as number,
  expiresAt: row.expires_at as number,
});

const nameOf = ({ tenant, name, token }: Place): string => `${tenant}\n${name}\n${token}`;

function distinct(locks: readonly LockKey[]): LockKey[] {
  const keys = new Map(locks.map(({ tenant, name }) => [`${tenant}\n${name}`, { tenant, name }]));
  return [...keys.values()];
}
