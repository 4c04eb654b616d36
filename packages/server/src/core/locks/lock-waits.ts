import { type LockAnswer, type LockGrant, LockRequest, MusterError } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Ids } from "../../ports/ids.ts";
import { isoTime } from "../task-view.ts";
import { parse } from "../validate.ts";
import type { Claimant, Granted, LockLine } from "./lock-line.ts";

export interface LockWaitDependencies {
  clock: Clock;
  ids: Ids;
  line: LockLine;
  /** An attempt at a task waits for somebody else's lock. */
  onWaiting: (taskId: string) => void;
}

export const defaultTtlMs = 30_000;
/** One request in line is answered by then; the caller asks again and keeps its place. */
const longestRequestMs = 25_000;
/** And keeps it for this long without asking. */
const graceMs = 10_000;
/** Waits under way at one node. */
const mostWaiting = 20_000;

/** Who takes a lock, and for whom. */
export type Taker = Pick<Claimant, "tenant" | "holder" | "task">;

/** What ended a wait: a grant, a refusal; null: its time is over, or nobody waits any more. */
type End = Granted | MusterError | null;

/** Calls that stand in line for locks at this node: register first, line up second, so that no grant is missed. */
export function createLockWaits({ clock, ids, line, onWaiting }: LockWaitDependencies) {
  const waiting = new Map<string, { end: (how: End) => void; claimant: Claimant }>();

  async function acquire(request: LockRequest, taker: Taker, signal?: AbortSignal): Promise<LockAnswer> {
    const wanted = parse(LockRequest, request, "The request");
    const { name, ttlMs = defaultTtlMs, waitMs = 0, token = ids.next() } = wanted;
    const thisMs = Math.min(waitMs, longestRequestMs);
    const until = clock.now() + (waitMs === 0 ? 0 : Math.min(waitMs, thisMs + graceMs));
    const claimant: Claimant = { ...taker, name, token, ttlMs, until };
    if (waitMs === 0) return answerOf(await take(claimant));
    if (waiting.size >= mostWaiting)
      throw new MusterError("unavailable", "Too many calls wait for locks at this node.");
    const wait = begin(claimant, thisMs, signal);
    try {
      const turn = await take(claimant);
      if ("grant" in turn) return answerOf(turn);
      if (taker.task !== null) onWaiting(taker.task.id);
      const end = await wait.over;
      if (end instanceof MusterError) throw end;
      if (end !== null) return answerOf({ grant: end });
      const goesOn = waitMs > thisMs && signal?.aborted !== true;
      return goesOn ? { grant: null, position: turn.place } : await giveUp(claimant, signal);
    } finally {
      wait.callOff();
    }
  }

  async function take(claimant: Claimant) {
    const turn = await line.take(claimant);
    if ("refusal" in turn) throw turn.refusal;
    return turn;
  }

  /** Leaves the line. Whoever is granted the lock in this moment has it, unless nobody is there to take it. */
  async function giveUp(claimant: Claimant, signal?: AbortSignal): Promise<LockAnswer> {
    if (signal?.aborted === true) await line.leave(claimant);
    else {
      const turn = await line.take({ ...claimant, until: clock.now() });
      if ("grant" in turn) return answerOf(turn);
    }
    return { grant: null, position: null };
  }

  function begin(claimant: Claimant, ms: number, signal?: AbortSignal) {
    let end: (how: End) => void = () => {};
    const over = new Promise<End>((resolve) => {
      end = resolve;
    });
    const stop = (): void => end(null);
    const timer = clock.setTimer(ms, stop);
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    const entry = { end, claimant };
    // A call that was repeated takes the place of the one before.
    waiting.get(claimant.token)?.end(null);
    waiting.set(claimant.token, entry);
    return {
      over,
      callOff(): void {
        timer.cancel();
        signal?.removeEventListener("abort", stop);
        if (waiting.get(claimant.token) === entry) waiting.delete(claimant.token);
      },
    };
  }

  return {
    acquire,
    /** Ends a wait at this node; false where there is none. */
    end(token: string, how: End): boolean {
      const entry = waiting.get(token);
      entry?.end(how);
      return entry !== undefined;
    },
    /** Waits here of attempts at these tasks. */
    under: (taskIds: readonly string[]): { token: string; task: NonNullable<Taker["task"]> }[] =>
      [...waiting.values()].flatMap(({ claimant: { token, task } }) =>
        task !== null && taskIds.includes(task.id) ? [{ token, task }] : [],
      ),
    tokens: (): string[] => [...waiting.keys()],
    endAll(): void {
      for (const { end } of waiting.values()) end(null);
    },
  };
}

const answerOf = (turn: { grant: Granted } | { place: number }): LockAnswer => ({
  grant: "grant" in turn ? grantView(turn.grant) : null,
  position: null,
});

export const grantView = ({ name, token, fence, expiresAt }: Omit<Granted, "tenant">): LockGrant => ({
  name,
  token,
  fence,
  expiresAt: isoTime(expiresAt),
});
