import { limits, MusterError, type UsageAnswer } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import { leaseLost } from "../gateway/lease-lost.ts";
import { createGroup, type NextTurn } from "../group.ts";
import {
  type BudgetRow,
  lockBudgets,
  markReached,
  noteTold,
  readPaths,
  writeAccounts,
} from "../queue/statements/budgets.ts";
import {
  lockUsage,
  readUsageOwners,
  type UsageOwner,
  type UsageRow,
  writeUsage,
} from "../queue/statements/usage.ts";
import { enter, type Report } from "./ledger.ts";

/** What an agent says of one call. */
export interface UsageReport extends Report {
  taskId: string;
  token: string;
  key: string;
}

export interface RecordUsageDependencies {
  database: Database;
  clock: Clock;
  nextTurn?: NextTurn;
  /** Told of budgets that have just been reached. */
  onReached: (budgets: readonly { id: string; run_id: string | null; task_id: string | null }[]) => void;
}

/** Reports in one transaction. */
const mostTogether = 200;

type Verdict = UsageAnswer | MusterError;

/**
 * Counts what agents spend. Reports that arrive together share a transaction, which locks the trees of budgets they
 * are charged to, enters each into the nearest budget and all above, and marks those that are used up.
 */
export function createRecordUsage(deps: RecordUsageDependencies) {
  const { database, clock, nextTurn } = deps;
  const group = createGroup<UsageReport, Verdict>({ most: mostTogether, nextTurn, run: recordTogether });

  async function recordTogether(reports: UsageReport[]): Promise<Verdict[]> {
    const { verdicts, reached } = await database.transaction(async (tx) => {
      const books = await open(tx, reports);
      const answers = reports.map((report) => book(books, report));
      return { verdicts: answers, reached: await close(tx, books, clock.now()) };
    });
    if (reached.length > 0) deps.onReached(reached);
    return verdicts;
  }

  return async function recordUsage(report: UsageReport): Promise<UsageAnswer> {
    const verdict = await group(report);
    if (verdict instanceof MusterError) throw verdict;
    return verdict;
  };
}

export type RecordUsage = ReturnType<typeof createRecordUsage>;

/** What a transaction knows, and what it will write. */
interface Books {
  owners: Map<string, UsageOwner>;
  accounts: Map<string, BudgetRow>;
  /** As they were. */
  before: Map<string, string>;
  calls: Map<string, UsageRow>;
  written: Map<string, UsageRow>;
  /** Leases of attempts that are told that a pausing budget is reached, with their tasks. */
  told: Map<string, string>;
}

const nameOf = ({ taskId, key }: { taskId: string; key: string }): string => `${taskId} ${key}`;

async function open(tx: Queryable, reports: readonly UsageReport[]): Promise<Books> {
  const taskIds = [...new Set(reports.map((report) => report.taskId))];
  const owners = await tx.query(readUsageOwners, [taskIds]);
  const budgets = [...new Set(owners.flatMap(({ budget_id }) => (budget_id === null ? [] : [budget_id])))];
  if (budgets.length > 0) await tx.query(lockBudgets, [budgets]);
  const accounts = budgets.length > 0 ? await tx.query(readPaths, [budgets]) : [];
  const calls = await tx.query(lockUsage, [reports.map((r) => r.taskId), reports.map((r) => r.key)]);
  return {
    owners: new Map(owners.map((owner) => [owner.id, owner])),
    accounts: new Map(accounts.map((account) => [account.id, account])),
    before: new Map(accounts.map((account) => [account.id, JSON.stringify(account)])),
    calls: new Map(calls.map((call) => [nameOf({ taskId: call.task_id, key: call.key }), call])),
    written: new Map(),
    told: new Map(),
  };
}

function book(books: Books, report: UsageReport): Verdict {
  const owner = books.owners.get(report.taskId);
  const known = books.calls.get(nameOf(report));
  if (owner === undefined || !mayReport(owner, known, report)) return leaseLost(report.taskId);
  if (known === undefined && owner.calls >= limits.usagePerTask)
    return new MusterError("limit_exceeded", `A task may report ${limits.usagePerTask} calls at most.`);
  const path = owner.budget_id === null ? [] : (books.accounts.get(owner.budget_id)?.path ?? []);
  const accounts = path.flatMap((id) => books.accounts.get(id) ?? []);
  const entry = enter(accounts, known, report);
  if (entry.answer === null) {
    return new MusterError(
      "conflict",
      `The call "${report.key}" of task ${report.taskId} was settled before.`,
      { hint: "Give every call a key of its own." },
    );
  }
  if (entry.fresh) {
    if (known === undefined) owner.calls += 1;
    const { taskId, key, token } = report;
    const call = { task_id: taskId, key, token, ...entry.call };
    books.calls.set(nameOf(report), call);
    books.written.set(nameOf(report), call);
  }
  if (accounts.some(pauses)) books.told.set(report.token, report.taskId);
  return entry.answer;
}

const pauses = ({ reached, on_reached }: BudgetRow): boolean => reached !== null && on_reached === "pause";

/** Under the live lease; or it settles what was reserved under a lease that has ended since. */
function mayReport(owner: UsageOwner, known: UsageRow | undefined, { kind, token }: UsageReport): boolean {
  const isLive = ["in_progress", "waiting", "ready"].includes(owner.status) && owner.lease_token === token;
  return isLive || (kind === "spent" && known?.token === token);
}

async function close(tx: Queryable, { accounts, before, written, told }: Books, now: number) {
  if (told.size > 0) await tx.query(noteTold, [[...told.values()], [...told.keys()]]);
  if (written.size > 0) await tx.query(writeUsage, [JSON.stringify([...written.values()]), now]);
  const changed = [...accounts.values()].filter(
    (account) => before.get(account.id) !== JSON.stringify(account),
  );
  if (changed.length === 0) return [];
  await tx.query(writeAccounts, [JSON.stringify(changed)]);
  const marks = changed.flatMap(({ id, reached }) => (reached === null ? [] : [{ id, kind: reached }]));
  return marks.length === 0 ? [] : tx.query(markReached, [JSON.stringify(marks), now]);
}
