import { type Lock, LockName, LockRenewal, limits, MusterError } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Log } from "../../ports/log.ts";
import type { Subscription } from "../../ports/message-bus.ts";
import type { Signals } from "../../ports/signals.ts";
import type { Announce } from "../aftermath.ts";
import { leaseLost } from "../gateway/lease-lost.ts";
import type { NextTurn } from "../group.ts";
import type { Principal, TaskLease } from "../orchestrator.ts";
import { findLeaseTenant } from "../queue/statements/find-lease-tenant.ts";
import { renewLock } from "../queue/statements/locks.ts";
import {
  findDueLocks,
  findGrants,
  findHolder,
  findLocksOf,
  type LockKey,
  listLocks,
  readLine,
  type SeenLock,
} from "../queue/statements/read-locks.ts";
import { isoTimeOrNull } from "../task-view.ts";
import { isUuid, parse } from "../validate.ts";
import type { LockHands, LockService } from "./lock-hands.ts";
import { createLockLine, type Granted } from "./lock-line.ts";
import { createLockWaits, defaultTtlMs, grantView, type Taker } from "./lock-waits.ts";

export interface LockServiceDependencies {
  database: Database;
  clock: Clock;
  ids: Ids;
  log: Log;
  signals?: Signals;
  nextTurn?: NextTurn;
  announce: Announce;
}

const topic = "locks";
/** Lines moved on in one look of upkeep. */
const dueAtOnce = 500;
const lineShown = 100;

/**
 * Locks for agents and programs: rows with a time, so that they outlive every server but the database. A node keeps
 * the calls that wait at it; whoever lets a line move on tells the nodes which tokens hold now. A signal that is lost
 * is made up for by a look every few seconds.
 */
export function createLockService(deps: LockServiceDependencies) {
  const { database, clock, log, signals } = deps;
  const line = createLockLine({ ...deps, onGranted: tellGranted });
  const waits = createLockWaits({ ...deps, line, onWaiting: (id) => deps.announce({ suspects: [id] }) });
  let subscription: Subscription | null = null;

  function tellGranted(grants: readonly Granted[]): void {
    deps.announce({ dueAt: Math.min(...grants.map((grant) => grant.expiresAt)) });
    const elsewhere = grants.filter((grant) => !waits.end(grant.token, grant));
    if (elsewhere.length > 0) signals?.publish(topic, elsewhere);
  }

  /** What a taker can do; who it is, is found out anew for every call. */
  function handsOf(find: () => Promise<Taker>): LockHands {
    return {
      acquire: async (request, signal) => waits.acquire(request, await find(), signal),
      async renew(request) {
        const { name, token, ttlMs = defaultTtlMs } = parse(LockRenewal, request, "The request");
        const { tenant } = await find();
        const [row] = await database.query(renewLock, [tenant, name, token, clock.now(), ttlMs]);
        if (row === undefined) throw lockLost(name);
        return grantView({ name, token, fence: row.fence, expiresAt: row.expires_at });
      },
      async release({ name, token }) {
        parse(LockRenewal, { name, token }, "The request");
        const { tenant } = await find();
        return { released: await line.leave({ tenant, name, token }) };
      },
    };
  }

  async function takerUnder({ agentId, taskId, leaseToken }: TaskLease, name: string): Promise<Taker> {
    const proven = isUuid(taskId) && isUuid(leaseToken);
    const [row] = proven ? await database.query(findLeaseTenant, [taskId, leaseToken, agentId]) : [];
    if (row === undefined) throw leaseLost(taskId);
    return { tenant: row.tenant, holder: name, task: { id: taskId, leaseToken, agentId } };
  }

  async function find(name: string, principal: Principal): Promise<SeenLock> {
    parse(LockName, name, "The name of the lock");
    const bounds = [principal.tenant, "", null, name, clock.now(), 2];
    const [row, other] = await database.query(listLocks, bounds);
    if (row === undefined) {
      throw new MusterError("not_found", `There is no lock ${name}, and nobody waits for one.`, {
        hint: "See them with: muster lock list",
      });
    }
    if (other === undefined) return row;
    throw new MusterError("conflict", `Several tenants have a lock ${name}.`, {
      hint: "Use a key of the tenant in question.",
    });
  }

  const service: LockService = {
    of: (principal) =>
      handsOf(async () => ({ tenant: tenantOf(principal), holder: principal.name, task: null })),
    under: (lease, name) => handsOf(() => takerUnder(lease, name)),
    async list({ prefix = "", limit = 50, after }, principal) {
      const most = Math.min(Math.max(1, limit), limits.pageSize);
      const bounds = [principal.tenant, prefix, after ?? null, null, clock.now(), most + 1];
      const rows = await database.query(listLocks, bounds);
      const items = rows.slice(0, most).map(viewOf);
      return { items, next: rows.length > most ? (items.at(-1)?.name ?? null) : null };
    },
    async get(name, principal) {
      const row = await find(name, principal);
      const inLine = await database.query(readLine, [row.tenant, name, clock.now(), lineShown]);
      return { ...viewOf(row), line: inLine.map(({ holder, task_id }) => ({ holder, taskId: task_id })) };
    },
    async forceRelease(name, principal) {
      const { tenant } = await find(name, principal);
      const [held] = await database.query(findHolder, [tenant, name, clock.now()]);
      if (held === undefined) return { released: false };
      const released = await line.leave({ tenant, name, token: held.token });
      log.info({ name, tenant, by: principal.name }, "A lock was taken from its holder.");
      return { released };
    },
  };

  return {
    service,
    /** Attempts at these tasks are over: whoever waits for their locks goes on. */
    async passOn(taskIds: readonly string[]): Promise<void> {
      await line.settle(await database.query(findLocksOf, [taskIds]));
      await endWaits(taskIds);
      signals?.publish(topic, [{ over: taskIds }]);
    },
    /** Lets every line move on whose time has come. */
    async settleDue(now: number): Promise<void> {
      let due: LockKey[];
      do {
        due = await database.query(findDueLocks, [now, dueAtOnce]);
        await line.settle(due);
      } while (due.length === dueAtOnce);
    },
    /** Grants that nobody told this node of. */
    async recheck(): Promise<void> {
      const tokens = waits.tokens();
      if (tokens.length === 0) return;
      for (const row of await database.query(findGrants, [tokens, clock.now()]))
        waits.end(row.token, { ...row, expiresAt: row.expires_at });
    },
    /** Somebody in line shall not wait any longer. */
    async refuse(key: LockKey & { token: string }, refusal: MusterError): Promise<void> {
      if (await line.leave(key)) return;
      if (!waits.end(key.token, refusal)) signals?.publish(topic, [{ ...key, refusal: refusal.toProblem() }]);
    },
    async start(): Promise<void> {
      subscription = (await signals?.subscribe(topic, (news) => hear(news as News[]))) ?? null;
    },
    async stop(): Promise<void> {
      waits.endAll();
      await subscription?.end();
    },
  };

  /** Calls that wait here under attempts which are over are answered: who makes them may stop, and free its slot. */
  async function endWaits(taskIds: readonly string[]): Promise<void> {
    for (const { token, task } of waits.under(taskIds)) {
      const [live] = await database.query(findLeaseTenant, [task.id, task.leaseToken, task.agentId]);
      if (live === undefined) waits.end(token, leaseLost(task.id));
    }
  }

  function hear(news: readonly News[]): void {
    for (const item of news)
      if ("over" in item)
        endWaits(item.over).catch((error: unknown) =>
          log.warn({ error }, "Calls that wait for locks in vain go on until their time is over."),
        );
      else waits.end(item.token, "refusal" in item ? MusterError.fromProblem(item.refusal) : item);
  }
}

/** What one node tells the others: a grant, that a wait is in vain, or that attempts at tasks are over. */
type News =
  | Granted
  | { over: readonly string[] }
  | (LockKey & { token: string; refusal: Parameters<typeof MusterError.fromProblem>[0] });

export type Locking = ReturnType<typeof createLockService>;

const tenantOf = ({ tenant }: Principal): string => (tenant === "*" ? "default" : tenant);

const lockLost = (name: string): MusterError =>
  new MusterError("lock_lost", `The lock ${name} is not held under this token, or not any more.`, {
    hint: "Stop what it protects; somebody else may hold it by now.",
  });

const viewOf = (row: SeenLock): Lock => ({
  name: row.name,
  tenant: row.tenant,
  fence: row.fence,
  holder: row.holder,
  taskId: row.task_id,
  acquiredAt: isoTimeOrNull(row.acquired_at),
  expiresAt: isoTimeOrNull(row.expires_at),
  waiting: row.waiting,
});
