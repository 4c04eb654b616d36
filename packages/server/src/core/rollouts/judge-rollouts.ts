import { limits, type RolloutCause } from "@muster/sdk/protocol";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import type { Announce } from "../aftermath.ts";
import { readOutcomes } from "../queue/statements/rollout-outcomes.ts";
import { countVerdicts } from "../queue/statements/rollout-shadows.ts";
import { forgetDue, moveRollout, type RolloutRow } from "../queue/statements/rollouts.ts";
import { decideRollout } from "./decide-rollout.ts";
import type { RolloutBoard } from "./rollout-board.ts";
import { outcomesOf } from "./rollout-view.ts";
import type { Shadows } from "./shadows.ts";

/** Outcomes that come within this time are judged together. */
const gatherMs = 250;

export interface JudgeDependencies {
  database: Database;
  clock: Clock;
  log: Log;
  announce: Announce;
  board: RolloutBoard;
  shadows: Shadows;
}

export type Move =
  | { status: "running"; step: number }
  | { status: "promoted" | "rolled_back" | "aborted"; step: number; cause: RolloutCause };

const eventOf = {
  running: "rollout.step.started",
  promoted: "rollout.promoted",
  rolled_back: "rollout.rolled_back",
  aborted: "rollout.aborted",
} as const;

/** When a step may be over by its time. */
export const dueOf = (row: Pick<RolloutRow, "steps">, step: number, now: number): number | null => {
  const after = row.steps[step]?.promoteAfter?.durationMs;
  return after === undefined ? null : now + after;
};

/**
 * Looks at what rollouts have shown, and moves them. Outcomes are no counters of their own: they are the rows of
 * tasks and attempts, which say on which side they were begun, so that none is counted twice or lost in a crash. Any
 * node may look at any time: a move says from which step it goes, and the first one counts.
 */
export function createJudge(deps: JudgeDependencies) {
  const { database, clock, log, announce, board, shadows } = deps;
  let timer: Timer | null = null;
  let judging: Promise<void> | null = null;
  let again = false;
  let stopped = false;

  /** Moves a rollout from the step that the row says; null where it is not there any more. */
  async function move(row: RolloutRow, to: Move): Promise<RolloutRow | null> {
    const now = clock.now();
    const dueAt = to.status === "running" ? dueOf(row, to.step, now) : null;
    const cause = to.status === "running" ? null : JSON.stringify(to.cause);
    const { moved, aftermath } = await database.transaction(async (tx) => {
      const [after] = await tx.query(moveRollout, [
        row.id,
        row.step,
        now,
        to.step,
        to.status,
        cause,
        dueAt,
        eventOf[to.status],
      ]);
      if (after === undefined) return { moved: null, aftermath: {} };
      return {
        moved: after,
        aftermath: to.status === "running" ? {} : await shadows.cancel(tx, row.id, now),
      };
    });
    if (moved === null) return null;
    announce({ ...aftermath, ...(dueAt === null ? {} : { dueAt }) });
    await board.changed();
    log.info(
      {
        rolloutId: row.id,
        capability: row.capability,
        step: to.step,
        ...("cause" in to && { cause: to.cause }),
      },
      `A rollout is ${to.status.replace("_", " ")} now.`,
    );
    return moved;
  }

  async function judge(row: RolloutRow): Promise<void> {
    const now = clock.now();
    const outcomes = outcomesOf(
      await database.query(readOutcomes, [row.id, row.step_started_at, limits.rolloutSamples]),
    );
    const [verdicts] = await database.query(countVerdicts, [row.id]);
    const { equal = 0, different = 0 } = verdicts ?? {};
    const decision = decideRollout(row, { ...outcomes, equal, different }, now);
    if (decision.move === "roll_back") {
      await move(row, { status: "rolled_back", step: row.step, cause: decision.cause });
    } else if (decision.move === "promote") await advance(row, { by: null });
    else if (row.due_at !== null && row.due_at <= now) {
      await database.query(forgetDue, [row.id, row.step, now]);
      await board.reload();
    }
  }

  /** The next step, or the end of the last one: everything is the candidate's from then on. */
  function advance(row: RolloutRow, { by, toEnd = false }: { by: string | null; toEnd?: boolean }) {
    const next = row.step + 1;
    if (!toEnd && next < row.steps.length) return move(row, { status: "running", step: next });
    const message = by === null ? "Every step was passed." : `Promoted by ${by}.`;
    return move(row, { status: "promoted", step: row.step, cause: { code: "promoted", message, by } });
  }

  async function judgeAll(): Promise<void> {
    for (const row of board.running()) {
      try {
        await shadows.tend(row);
        await judge(row);
      } catch (error) {
        log.warn({ error, rolloutId: row.id }, "A rollout could not be judged; it will be looked at again.");
      }
    }
  }

  /** One look at a time; one that is asked for meanwhile follows. */
  async function look(): Promise<void> {
    again = true;
    judging ??= (async () => {
      while (again && !stopped) {
        again = false;
        await judgeAll();
      }
    })().finally(() => {
      judging = null;
    });
    await judging;
  }

  return {
    move,
    advance,
    /** Looks at all rollouts now: when one is due, and from time to time in case an outcome was not heard of. */
    look,
    /** Looks where a step may be over by its time. */
    async lookAtDue(now: number): Promise<void> {
      if (board.running().some(({ due_at }) => due_at !== null && due_at <= now)) await look();
    },
    /** An attempt has ended. Costs nothing while there is no rollout. */
    noteOutcome(): void {
      if (timer !== null || stopped || board.running().length === 0) return;
      timer = clock.setTimer(gatherMs, () => {
        timer = null;
        void look();
      });
    },
    async stop(): Promise<void> {
      stopped = true;
      timer?.cancel();
      await judging;
    },
  };
}

export type Judge = ReturnType<typeof createJudge>;
