import {
  type AgentRequest,
  type AgentResponse,
  limits,
  MusterError,
  type TextDelta,
} from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Subscription } from "../../ports/message-bus.ts";
import type { Signals } from "../../ports/signals.ts";
import { leaseLost } from "../gateway/lease-lost.ts";
import type { OnDelta, Watched } from "../orchestrator.ts";
import { proveStream } from "../queue/statements/prove-stream.ts";
import { createAllowance } from "./allowance.ts";
import { createWatchers, type WatchSignal } from "./watchers.ts";

export interface StreamDependencies {
  database: Database;
  clock: Clock;
  /** Left out where there is one node. */
  signals?: Signals;
}

/** A lease that was looked up counts for this long without another look. */
const provenMs = 3_000;
const mostProven = 10_000;

interface Proven {
  token: string;
  runId: string | null;
  agentId: string;
  until: number;
}

interface DeltaSignal {
  kind: "delta";
  delta: TextDelta;
}

const topic = "streams";

/**
 * What agents say while they work, for those who watch at that moment: no row, no event, no journal. Where nobody watches
 * an agent is told so and sends next to nothing. Who watches at another node is known by what that node says every few
 * seconds; a piece goes to the nodes that asked for it, in one signal, and is lost with that.
 */
export function createStreams({ database, clock, signals }: StreamDependencies) {
  const watchers = createWatchers(clock, (signal) => signals?.publish(topic, signal));
  const allowance = createAllowance(clock);
  const proven = new Map<string, Proven>();
  let subscription: Subscription | undefined;

  /** One look at the database for the words of some seconds. */
  async function prove(taskId: string, token: string): Promise<Proven> {
    const now = clock.now();
    const known = proven.get(taskId);
    if (known?.token === token && known.until > now) return known;
    const [row] = await database.query(proveStream, [taskId, token]);
    if (row === undefined) throw leaseLost(taskId);
    if (proven.size >= mostProven) proven.clear();
    const fresh = { token, runId: row.run_id, agentId: row.agent_id, until: now + provenMs };
    proven.set(taskId, fresh);
    return fresh;
  }

  function deliver(delta: TextDelta): void {
    for (const onDelta of watchers.here(delta)) onDelta(delta);
  }

  async function say(request: AgentRequest<"stream">): Promise<AgentResponse<"stream">> {
    const { taskId, leaseToken, turn, text, isRestart = false, missed = 0 } = request;
    if (!watchers.mayWatch(taskId)) return { watched: false };
    const { runId, agentId } = await prove(taskId, leaseToken);
    const where = watchers.of({ taskId, runId });
    if (where.length === 0) return { watched: false };
    if (text === "" && !isRestart) return { watched: true };
    const left = allowance.take(taskId, text, missed);
    if (left === undefined) return { watched: true };
    const delta = { taskId, runId, agentId, turn, text, isRestart, missed: left };
    deliver(delta);
    if (where.includes("elsewhere")) signals?.publish(topic, { kind: "delta", delta } satisfies DeltaSignal);
    return { watched: true };
  }

  return {
    say,
    watch(watched: Watched, onDelta: OnDelta): Subscription {
      if (watchers.count() >= limits.watchersPerNode) {
        throw new MusterError("limit_exceeded", `${limits.watchersPerNode} watch at this node already.`, {
          hint: "Try again later, or at another node.",
        });
      }
      return watchers.add(watched, onDelta);
    },
    async start(): Promise<void> {
      subscription = await signals?.subscribe(topic, (payload) => {
        const signal = payload as DeltaSignal | WatchSignal;
        if (signal.kind === "delta") deliver(signal.delta);
        else watchers.hear(signal);
      });
    },
    async stop(): Promise<void> {
      watchers.stop();
      await subscription?.end();
    },
  };
}

export type Streams = ReturnType<typeof createStreams>;
