import type { Cache } from "../../ports/cache.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Ids } from "../../ports/ids.ts";

/** A session that nobody used for this long is forgotten; its agent is taken for dead long before. */
const sessionMs = 3_600_000;
/** Stands between the agent and the secret in a token; no agent id has it. */
const separator = "~";

export interface SessionDependencies {
  /** Left out where there is one node. */
  cache?: Cache;
  clock: Clock;
  ids: Ids;
}

interface Kept {
  fingerprint: string;
  /** When the cache forgets it. */
  until: number;
}

/**
 * The session of each agent: one, so that a new registration ends the session before. A token names its agent; a node
 * knows the tokens of the agents that are connected to it, and of all others the shared cache knows the
 * fingerprint. So an agent may come to any node with its token.
 */
export function createSessions({ cache, clock, ids }: SessionDependencies) {
  const here = new Map<string, string>();
  const keyOf = (agentId: string): string => `session:${agentId}`;

  async function share(agentId: string, fingerprint: string): Promise<void> {
    const kept: Kept = { fingerprint, until: clock.now() + sessionMs };
    await cache?.set(keyOf(agentId), kept, sessionMs);
  }

  /** The agent is connected here: its token is known without asking anybody, and put back where the cache lost it. */
  async function keep(agentId: string, token: string): Promise<void> {
    here.set(agentId, token);
    if (cache !== undefined) await share(agentId, ids.fingerprint(token));
  }

  return {
    keep,

    async open(agentId: string): Promise<string> {
      const token = `${agentId}${separator}${ids.secret()}`;
      await keep(agentId, token);
      return token;
    },

    /** The agent that a token belongs to. */
    async find(token: string): Promise<string | undefined> {
      const agentId = token.slice(0, Math.max(0, token.indexOf(separator)));
      if (agentId === "") return undefined;
      if (here.get(agentId) === token) return agentId;
      const kept = (await cache?.get(keyOf(agentId))) as Kept | undefined;
      if (kept === undefined || kept.fingerprint !== ids.fingerprint(token)) return undefined;
      if (kept.until - clock.now() < sessionMs / 2) await share(agentId, kept.fingerprint);
      return agentId;
    },

    /** The agent is connected elsewhere, or nowhere. Its session goes on. */
    forget: (agentId: string) => void here.delete(agentId),

    async end(agentId: string): Promise<void> {
      here.delete(agentId);
      await cache?.delete(keyOf(agentId));
    },
  };
}
