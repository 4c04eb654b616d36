import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { MusterError } from "@muster/sdk/protocol";
import type { AgentRecord, AgentRegistry, Slot } from "../../../ports/agent-registry.ts";
import type { RedisConnection, Script } from "../../redis/connect-redis.ts";
import { mostAgents, tooManyAgents } from "../most-agents.ts";
import { type Described, profileOf, recordOf } from "./record-text.ts";
import { createRegistryMirror, type Position } from "./registry-mirror.ts";
import * as scripts from "./registry-scripts.ts";

export interface RedisRegistryOptions {
  connection: RedisConnection;
  /**
   * Nobody is taken for dead this long after Redis came back (10 s): no heartbeat got through while it was away.
   * As long as an agent's lease.
   */
  expiryPauseMs?: number;
}

const defaultExpiryPauseMs = 10_000;
/** Expired agents taken by one script. */
const mostTaken = 100;
/** How often the mirror is compared with Redis, in case that a change was lost without a trace. */
const compareEveryMs = 30_000;
/** A node that starts while Redis is away goes on without it after this long. */
const firstWaitMs = 2_000;

type Value = string | number | readonly Value[];

/**
 * The agent registry that all nodes share. Redis decides, in scripts that run as one step; reading is done from a
 * mirror in this process, which follows what the scripts publish. When Redis has lost everything, the mirror still
 * remembers who was there, and each agent is put back by its next heartbeat, together with the slots that its
 * leases prove.
 */
export async function createRedisRegistry(options: RedisRegistryOptions): Promise<AgentRegistry> {
  const { connection, expiryPauseMs = defaultExpiryPauseMs } = options;
  const root = connection.key("registry");
  const mirror = createRegistryMirror(async () => {
    const { position, answer } = await send(scripts.snapshotScript);
    return { ...position, agents: answer as Described[] };
  });
  let expiringFrom = Number.POSITIVE_INFINITY;

  /** Sends a script; the answer says how far the registry is with it. */
  async function send(script: Script, ...args: Value[]): Promise<{ position: Position; answer: unknown }> {
    const run = connection.server?.runId ?? "";
    const reply = await connection.runScript(script, root, run, randomUUID(), JSON.stringify(args));
    const [epoch, version, answer] = reply as [string, string, unknown];
    return { position: { epoch, version: Number(version) }, answer };
  }

  /** Sends a script and waits until this node sees what it did. */
  async function call(script: Script, ...args: Value[]) {
    const sent = await send(script, ...args);
    await mirror.reach(sent.position);
    return sent;
  }

  async function compare(): Promise<void> {
    if (connection.server === null || !mirror.isLoaded()) return;
    // Waiting for a position that does not come ends in a snapshot.
    await call(scripts.positionScript);
  }

  function requireLoaded(): void {
    if (mirror.isLoaded()) return;
    throw new MusterError("unavailable", "This node does not know yet which agents there are.", {
      hint: "Try again in a moment; if it stays so, check that Redis can be reached.",
    });
  }

  const subscription = await connection.listen(`${root}:changes`, mirror.receive);
  connection.onListening({ begun: mirror.follow, ended: mirror.unfollow });
  connection.onOpen(() => {
    expiringFrom = Date.now() + expiryPauseMs;
    mirror.reload();
  });
  const comparing = setInterval(() => void compare().catch(() => {}), compareEveryMs);
  comparing.unref();
  await Promise.race([mirror.firstHeard, sleep(firstWaitMs, undefined, { ref: false })]);

  return {
    async put(record, held = []) {
      const { id, maxConcurrency, status, lastSeen, expiresAt, outcomes } = record;
      const state = [String(maxConcurrency), status, String(lastSeen), String(expiresAt)];
      const known = [id, profileOf(record), ...state, JSON.stringify(outcomes)];
      const { answer } = await call(scripts.putScript, ...known, held, mostAgents);
      if (answer === 0) throw tooManyAgents();
    },
    async heartbeat(agentId, seenAt, expiresAt, status) {
      const script = scripts.heartbeatScript;
      const { position, answer } = await call(script, agentId, String(seenAt), String(expiresAt), status);
      if (answer === 1) return "alive";
      return mirror.hasLost(agentId, position) ? "lost" : "unknown";
    },
    async recordOutcome(agentId, outcomes) {
      await call(scripts.outcomesScript, agentId, JSON.stringify(outcomes));
    },
    async remove(agentId) {
      const { answer } = await call(scripts.removeScript, agentId);
      return recordsIn(answer)[0];
    },
    async get(agentId) {
      requireLoaded();
      return mirror.get(agentId);
    },
    async list(now) {
      requireLoaded();
      return mirror.list(now);
    },
    async takeExpired(now) {
      const taken: AgentRecord[] = [];
      if (Date.now() < expiringFrom) return taken;
      for (;;) {
        const { answer } = await call(scripts.takeExpiredScript, String(now), mostTaken);
        taken.push(...recordsIn(answer));
        if ((answer as unknown[]).length < mostTaken) return taken;
      }
    },
    async reserve(slots, now) {
      const { answer } = await call(scripts.reserveScript, String(now), slots.map(pairOf));
      return (answer as number[]).map((granted) => granted === 1);
    },
    async restore(slots) {
      await call(scripts.restoreScript, slots.map(pairOf));
    },
    async release(slots) {
      await call(scripts.releaseScript, slots.map(pairOf));
    },
    async swap(swaps) {
      const triples = swaps.map(({ agentId, taskId, insteadOf }) => [agentId, taskId, insteadOf]);
      await call(scripts.swapScript, triples);
    },
    async reserved() {
      const { answer } = await call(scripts.reservedScript);
      return (answer as [string, string[]][]).flatMap(([agentId, tasks]) =>
        tasks.map((taskId) => ({ agentId, taskId })),
      );
    },
    async close() {
      clearInterval(comparing);
      mirror.close();
      await subscription.end();
    },
  };
}

const pairOf = ({ agentId, taskId }: Slot): [string, string] => [agentId, taskId];

const recordsIn = (answer: unknown): AgentRecord[] =>
  (answer as Described[]).map(recordOf).filter((record) => record !== null);
