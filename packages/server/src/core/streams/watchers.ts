import type { TextDelta } from "@muster/sdk/protocol";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Subscription } from "../../ports/message-bus.ts";
import type { OnDelta, Watched } from "../orchestrator.ts";

/** A node says this often whom it watches. */
const tellMs = 2_000;
/** One that has not said so for this long watches no longer. */
const forgetMs = 5_000;
/** Tasks and runs that others are known to watch. */
const mostElsewhere = 10_000;

/** What one node watches. */
export interface WatchSignal {
  kind: "watching";
  keys: string[];
}

const keyOf = (watched: Watched): string =>
  "taskId" in watched ? `task ${watched.taskId}` : `run ${watched.runId}`;
const isRun = (key: string): boolean => key.startsWith("run ");

/** Who watches what, here and at other nodes. */
export function createWatchers(clock: Clock, tell: (signal: WatchSignal) => void) {
  const local = new Map<string, Set<OnDelta>>();
  /** When it is forgotten, by key. */
  const elsewhere = new Map<string, number>();
  let telling: Timer | undefined;
  let count = 0;

  function tellAll(): void {
    telling?.cancel();
    telling = undefined;
    if (local.size === 0) return;
    tell({ kind: "watching", keys: [...local.keys()] });
    telling = clock.setTimer(tellMs, tellAll);
  }

  const isElsewhere = (key: string): boolean => (elsewhere.get(key) ?? 0) > clock.now();

  function add(watched: Watched, onDelta: OnDelta): Subscription {
    const key = keyOf(watched);
    const set = local.get(key) ?? new Set();
    // A function of its own, so that somebody may watch twice.
    const mine: OnDelta = (delta) => onDelta(delta);
    set.add(mine);
    local.set(key, set);
    count++;
    tellAll();
    return {
      end: async () => {
        if (!set.delete(mine)) return;
        count--;
        if (set.size === 0 && local.get(key) === set) local.delete(key);
      },
    };
  }

  return {
    add,
    count: () => count,
    hear({ keys }: WatchSignal): void {
      const until = clock.now() + forgetMs;
      if (elsewhere.size + keys.length > mostElsewhere) forget(elsewhere, clock.now());
      for (const key of keys.slice(0, Math.max(0, mostElsewhere - elsewhere.size))) elsewhere.set(key, until);
    },
    /** Whether it is worth to find out whose words they are: a run of it may be watched, too. */
    mayWatch(taskId: string): boolean {
      const key = keyOf({ taskId });
      if (local.has(key) || isElsewhere(key)) return true;
      for (const one of local.keys()) if (isRun(one)) return true;
      for (const one of elsewhere.keys()) if (isRun(one) && isElsewhere(one)) return true;
      return false;
    },
    of({ taskId, runId }: Pick<TextDelta, "taskId" | "runId">): ("here" | "elsewhere")[] {
      const keys = [keyOf({ taskId }), ...(runId === null ? [] : [keyOf({ runId })])];
      return [
        ...(keys.some((key) => local.has(key)) ? ["here" as const] : []),
        ...(keys.some(isElsewhere) ? ["elsewhere" as const] : []),
      ];
    },
    /** Those here that want to have it. */
    here({ taskId, runId }: Pick<TextDelta, "taskId" | "runId">): OnDelta[] {
      const run = runId === null ? [] : (local.get(keyOf({ runId })) ?? []);
      return [...(local.get(keyOf({ taskId })) ?? []), ...run];
    },
    stop(): void {
      telling?.cancel();
      telling = undefined;
    },
  };
}

function forget(elsewhere: Map<string, number>, now: number): void {
  for (const [key, until] of elsewhere) if (until <= now) elsewhere.delete(key);
}
