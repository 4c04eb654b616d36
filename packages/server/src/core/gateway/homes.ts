import type { Cache } from "../../ports/cache.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Log } from "../../ports/log.ts";
import type { Subscription } from "../../ports/message-bus.ts";
import type { Signals } from "../../ports/signals.ts";

const topic = "agent.moved";
/** A home that nobody confirms for this long is forgotten; every check confirms it. */
const homeMs = 3_600_000;

export interface HomeDependencies {
  /** Left out where there is one node: then every agent is at home here. */
  cache?: Cache;
  signals?: Signals;
  clock: Clock;
  ids: Ids;
  log: Log;
  /** How often it is made sure that agents are where this node thinks they are. */
  checkMs: number;
}

/** What is to be done about the agents of this node. */
export interface HomeEvents {
  mine: () => string[];
  /** The agent is still here. */
  onStayed: (agentId: string) => Promise<void>;
  /** It is at another node now, or at none. */
  onMoved: (agentId: string) => Promise<void>;
}

/**
 * Which node has the connection of an agent: the one that it came to last. The node before hears of it by a
 * signal and lets go. Should the signal be lost, it finds out by itself a little later.
 */
export function createHomes({ cache, signals, clock, ids, log, checkMs }: HomeDependencies) {
  const node = cache === undefined ? "here" : ids.next();
  const keyOf = (agentId: string): string => `home:${agentId}`;
  let timer: Timer | undefined;
  let subscription: Subscription | undefined;
  let stopped = false;

  async function isHere(agentId: string): Promise<boolean> {
    if (cache === undefined) return true;
    const home = await cache.get(keyOf(agentId));
    // What the cache forgot is still true; whoever has the agent says so again.
    if (home === undefined) await cache.set(keyOf(agentId), node, homeMs);
    return home === undefined || home === node;
  }

  async function look(agentId: string, { onStayed, onMoved }: HomeEvents): Promise<void> {
    await ((await isHere(agentId)) ? onStayed(agentId) : onMoved(agentId));
  }

  async function settle(agentId: string, home: string): Promise<void> {
    await cache?.set(keyOf(agentId), home, homeMs);
    signals?.publish(topic, agentId);
  }

  return {
    /** There are no other nodes. */
    alone: cache === undefined,
    isHere,
    /** The agent is here from now on. */
    claim: (agentId: string) => settle(agentId, node),
    /** The agent left: whoever still has something of it lets go. */
    leave: (agentId: string) => settle(agentId, "nowhere"),

    async start(events: HomeEvents): Promise<void> {
      if (cache === undefined) return;
      const complain = (error: unknown) => log.warn({ error }, "Where an agent is could not be found out.");
      subscription = await signals?.subscribe(topic, (agentId) => {
        const known = typeof agentId === "string" && events.mine().includes(agentId);
        if (known) look(agentId, events).catch(complain);
      });
      const lookAtAll = async (): Promise<void> => {
        for (const agentId of events.mine()) await look(agentId, events);
      };
      const again = (): void => {
        if (!stopped) timer = clock.setTimer(checkMs, () => void lookAtAll().catch(complain).finally(again));
      };
      again();
    },

    async stop(): Promise<void> {
      stopped = true;
      timer?.cancel();
      await subscription?.end();
    },
  };
}
