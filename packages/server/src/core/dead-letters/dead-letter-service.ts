import {
  type DeadLetter,
  DeadLetterFilter,
  type DeadLetterReport,
  DeadLetterSelection,
  limits,
  MusterError,
} from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Announce } from "../aftermath.ts";
import type { DeadLetterService, Principal } from "../orchestrator.ts";
import { type DeadRow, dropDead, listDead } from "../queue/statements/dead-letters.ts";
import { isoTime } from "../task-view.ts";
import { isUuid, parse } from "../validate.ts";
import { revive, reviveAlone } from "./retry-dead.ts";

export interface DeadLetterDependencies {
  database: Database;
  clock: Clock;
  announce: Announce;
}

interface Asked extends DeadLetterFilter {
  ids?: string[];
  before?: string;
}

/**
 * Dead letters: tasks that failed for good, by themselves, until somebody retries or drops them. Whoever depended on
 * one, or waited for it as a sub-task, failed because of it and is none: with the one at the root all are seen to.
 */
export function createDeadLetterService({
  database,
  clock,
  announce,
}: DeadLetterDependencies): DeadLetterService {
  async function read(asked: Asked, limit: number, principal: Principal) {
    const now = clock.now();
    const [beforeTime, beforeId] = cursorOf(asked.before);
    const rows = await database.query(listDead, [
      principal.tenant,
      asked.capability ?? null,
      asked.runId ?? null,
      asked.code ?? null,
      asked.olderThanMs === undefined ? null : now - asked.olderThanMs,
      asked.newerThanMs === undefined ? null : now - asked.newerThanMs,
      asked.ids ?? null,
      beforeTime,
      beforeId,
      limit + 1,
    ]);
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    const next = rows.length > limit && last !== undefined ? `${last.dead_at}.${last.id}` : null;
    return { items, next };
  }

  async function retryAll(rows: readonly DeadRow[]): Promise<Omit<DeadLetterReport, "next">> {
    const report: Omit<DeadLetterReport, "next"> = { done: [], runs: [], skipped: [] };
    const alone = rows.filter((row) => row.alone).map((row) => row.id);
    if (alone.length > 0) {
      const { revived, effects } = await database.transaction((tx) => reviveAlone(tx, alone, clock.now()));
      announce(effects);
      report.done.push(...revived);
    }
    for (const row of rows.filter((one) => !one.alone)) {
      const revival = await database.transaction((tx) => revive(tx, row, clock.now()));
      if ("reason" in revival) {
        report.skipped.push({ taskId: row.id, reason: revival.reason });
        continue;
      }
      announce(revival.effects);
      report.done.push(row.id);
      if (revival.runId !== null) report.runs.push(revival.runId);
    }
    return report;
  }

  async function select(selection: DeadLetterSelection, principal: Principal) {
    mayWrite(principal);
    const { all: _all, ...asked } = parse(DeadLetterSelection, selection, "The selection");
    refuseVague(selection);
    const found = await read(asked, limits.deadLettersAtOnce, principal);
    const known = new Set(found.items.map((row) => row.id));
    const missing = (asked.ids ?? []).filter((id) => !known.has(id));
    const reason = "there is no such dead letter";
    return { ...found, missing: [...new Set(missing)].map((taskId) => ({ taskId, reason })) };
  }

  return {
    async list({ limit = 50, before, ...filter }, principal) {
      mayWrite(principal);
      const asked: Asked = parse(DeadLetterFilter, filter, "The filter");
      if (before !== undefined) asked.before = before;
      const most = Math.min(Math.max(1, limit), limits.pageSize);
      const { items, next } = await read(asked, most, principal);
      return { items: items.map(deadLetterOf), next };
    },
    async retry(selection, principal) {
      const { items, missing, next } = await select(selection, principal);
      const report = await retryAll(items);
      return { ...report, skipped: [...report.skipped, ...missing], next };
    },
    async drop(selection, principal) {
      const { items, missing, next } = await select(selection, principal);
      const ids = items.map((row) => row.id);
      const dropped = await database.query(dropDead, [ids, clock.now(), principal.name]);
      announce({});
      return { done: dropped.map((row) => row.id), runs: [], skipped: missing, next };
    },
  };
}

function mayWrite({ role }: Principal): void {
  if (role === "agent")
    throw new MusterError("forbidden", "A key of role agent can't see or change dead letters.", {
      hint: "Use a key of role client.",
    });
}

/** Everything at once has to be meant. */
function refuseVague({ before: _before, ...selection }: DeadLetterSelection): void {
  if (Object.keys(selection).length > 0) return;
  throw new MusterError("invalid_request", "The selection names no dead letters.", {
    hint: 'Give "ids", a filter such as "capability", or "all": true.',
  });
}

function cursorOf(text: string | undefined): [number | null, string | null] {
  if (text === undefined) return [null, null];
  const [time = "", id = ""] = text.split(".");
  if (!/^\d{1,15}$/.test(time) || !isUuid(id))
    throw new MusterError("invalid_request", `"${text}" is no cursor.`, {
      hint: "Use `next` of the page before.",
    });
  return [Number(time), id];
}

const deadLetterOf = (row: DeadRow): DeadLetter => ({
  taskId: row.id,
  name: row.name,
  capability: row.capability,
  requestedAgent: row.requested_agent,
  tenant: row.tenant,
  runId: row.run_id,
  step: row.step,
  parentId: row.parent_id,
  attempts: row.attempt,
  agents: row.agents,
  error: row.error,
  createdAt: isoTime(row.created_at),
  diedAt: isoTime(row.dead_at),
});
