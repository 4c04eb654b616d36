import type { Clock, Timer } from "../ports/clock.ts";
import type { Subscription } from "../ports/message-bus.ts";
import type { Signals } from "../ports/signals.ts";
import type { BreakerRow } from "./queue/statements/breakers.ts";

const topic = "work";
/** What happens within this time is told together. */
const gatherMs = 5;
/** Ids in one signal; where more ended, the others look for themselves. */
const mostIds = 5_000;
/** The same for breakers. */
const mostBreakers = 500;

/** What one node tells the others of what it did. */
export interface NodeSignal {
  /** Tasks and runs that ended, for those who wait for them. */
  ended: string[];
  /** Slots became free, perhaps for work that only others know of. */
  freed: boolean;
  /** Routes with work that this node does not hand out itself, since it stops. */
  ready: string[];
  /** Something is due then, for the node that does upkeep. */
  dueAt: number | null;
  /** Breakers that changed, as they are now. */
  breakers: BreakerRow[];
  /** More happened than fits. */
  more: boolean;
}

const nothing = (): NodeSignal => ({
  ended: [],
  freed: false,
  ready: [],
  dueAt: null,
  breakers: [],
  more: false,
});

/**
 * Tells other nodes what they would otherwise find out only when they look: gathered for some milliseconds, so that
 * a busy node sends some hundred signals a second and not one for each task. That there are new events is said by
 * any signal at all.
 */
export function createNodeSignals(
  signals: Signals | undefined,
  clock: Clock,
  hear: { signal: (signal: NodeSignal) => void; gap: () => void },
) {
  let gathered = nothing();
  let timer: Timer | null = null;
  let subscription: Subscription | null = null;

  function flush(): void {
    timer?.cancel();
    timer = null;
    signals?.publish(topic, gathered);
    gathered = nothing();
  }

  return {
    tell(what: Partial<Omit<NodeSignal, "more">>): void {
      const { ended = [], freed = false, ready = [], dueAt, breakers = [] } = what;
      if (signals === undefined) return;
      if (gathered.ended.length + ended.length > mostIds) gathered.more = true;
      else gathered.ended.push(...ended);
      if (gathered.breakers.length + breakers.length > mostBreakers) gathered.more = true;
      else gathered.breakers.push(...breakers);
      gathered.freed ||= freed;
      gathered.ready = [...new Set([...gathered.ready, ...ready])].slice(0, mostIds);
      if (dueAt != null) gathered.dueAt = Math.min(gathered.dueAt ?? dueAt, dueAt);
      timer ??= clock.setTimer(gatherMs, flush);
    },
    async start(): Promise<void> {
      subscription =
        (await signals?.subscribe(topic, (payload) => hear.signal(payload as NodeSignal))) ?? null;
      signals?.onGap(hear.gap);
    },
    async stop(): Promise<void> {
      if (timer !== null) flush();
      await subscription?.end();
      subscription = null;
    },
  };
}
