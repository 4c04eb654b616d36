import type { AgentStatus } from "@muster/sdk/protocol";
import type { AgentRecord } from "../../../ports/agent-registry.ts";
import { AgentRoll } from "../agent-roll.ts";
import { mostAgents } from "../most-agents.ts";
import { type Described, outcomesOf, recordOf } from "./record-text.ts";

/** How far a registry is: an epoch ends when everything is lost, and versions count the changes inside one. */
export interface Position {
  epoch: string;
  version: number;
}

export interface Snapshot extends Position {
  agents: Described[];
}

type Change =
  | ["put", ...Described]
  | ["life", id: string, status: string, seen: string, expires: string]
  | ["outcomes", id: string, outcomes: string]
  | ["load", id: string, load: string]
  | ["gone", id: string]
  | ["emptied"];

interface Published extends Position {
  changes: Change[];
}

/** Changes kept while a snapshot is on its way; with more, another snapshot is asked for. */
const mostKept = 10_000;
/** Longest wait for one's own change to come back; after it the mirror is taken to have missed it. */
const echoMs = 250;
/** How long an agent that was lost with everything else is remembered, so that a heartbeat can put it back. */
const rememberLostMs = 60_000;
const retrySnapshotMs = 500;

/**
 * The registry as this node knows it: a snapshot, and every published change behind it in the order of
 * versions. A change that is missing shows as a gap and leads to another snapshot; one that is older than the
 * snapshot is dropped. So the mirror is always some state that the registry was in, and never a mixture.
 *
 * A node reads its own changes: `reach` waits until the mirror has come to the version that a change made.
 */
export function createRegistryMirror(takeSnapshot: () => Promise<Snapshot>) {
  const roll = new AgentRoll();
  /** Agents of earlier epochs that did not come back yet. */
  const lost = new Map<string, AgentRecord>();
  const waiting = new Set<{ position: Position; resolve: () => void }>();
  let at: Position | null = null;
  /** Null while nothing is on its way. */
  let kept: Published[] | null = null;
  let again = false;
  let closed = false;
  /** Whether changes arrive at present. */
  let following = false;
  let retry: NodeJS.Timeout | undefined;
  let forgetting: NodeJS.Timeout | undefined;
  let heard: () => void = () => {};
  const firstHeard = new Promise<void>((resolve) => {
    heard = resolve;
  });

  const has = ({ epoch, version }: Position): boolean => at?.epoch === epoch && at.version >= version;

  function receive(text: string): void {
    const [epoch, version, changes] = JSON.parse(text) as [string, string, Change[]];
    const published = { epoch, version: Number(version), changes };
    if (kept === null) take(published);
    else if (kept.push(published) > mostKept) {
      kept = [];
      again = true;
    }
  }

  function take(published: Published): void {
    if (has(published)) return;
    if (at?.epoch !== published.epoch || at.version + 1 !== published.version) {
      // The snapshot is taken after this change, so that it holds it.
      reload();
      return;
    }
    at.version = published.version;
    for (const change of published.changes) apply(change);
    tellWaiting();
  }

  function apply(change: Change): void {
    const [kind, id = ""] = change;
    if (kind === "put") {
      const record = recordOf(change.slice(1) as Described);
      if (record !== null) roll.set(record);
      lost.delete(id);
    } else if (kind === "life") {
      const [, , status, seen, expires] = change;
      roll.change(id, { status: status as AgentStatus, lastSeen: Number(seen), expiresAt: Number(expires) });
    } else if (kind === "outcomes") roll.change(id, { outcomes: outcomesOf(change[2]) });
    else if (kind === "load") roll.change(id, { load: Number(change[2]) });
    else if (kind === "gone") {
      roll.delete(id);
      lost.delete(id);
    }
  }

  /** Asks for a snapshot, or for another one behind the one that is on its way. */
  function reload(): void {
    if (closed) return;
    clearTimeout(retry);
    if (kept !== null) {
      again = true;
      return;
    }
    kept = [];
    again = false;
    takeSnapshot().then(replace, () => {
      kept = null;
      if (!closed && following) retry = setTimeout(reload, retrySnapshotMs).unref();
    });
  }

  function replace({ epoch, version, agents }: Snapshot): void {
    const behind = kept ?? [];
    kept = null;
    const records = agents.map(recordOf).filter((record) => record !== null);
    const present = new Set(records.map(({ id }) => id));
    if (at !== null && at.epoch !== epoch) rememberLost(present);
    for (const { id } of [...roll.records()]) if (!present.has(id)) roll.delete(id);
    for (const record of records) {
      roll.set(record);
      lost.delete(record.id);
    }
    at = { epoch, version };
    tellWaiting();
    if (again) reload();
    for (const published of behind) if (kept === null) take(published);
    heard();
  }

  function rememberLost(present: ReadonlySet<string>): void {
    clearTimeout(forgetting);
    forgetting = setTimeout(() => lost.clear(), rememberLostMs).unref();
    for (const record of roll.records()) {
      if (lost.size >= mostAgents) return;
      if (!present.has(record.id)) lost.set(record.id, record);
    }
  }

  function tellWaiting(): void {
    for (const waiter of waiting) if (has(waiter.position)) waiter.resolve();
  }

  return {
    receive,
    reload,
    follow(): void {
      following = true;
      reload();
    },
    /** Changes do not arrive any more; what is known stays. */
    unfollow(): void {
      following = false;
    },
    isLoaded: () => at !== null,
    /** Resolves with the first snapshot. */
    firstHeard,
    get: (agentId: string): AgentRecord | undefined => roll.get(agentId) ?? lost.get(agentId),
    list: (now: number): AgentRecord[] => roll.list(now),
    /** Whether an agent that the registry does not know at this position was lost, and not removed. */
    hasLost(agentId: string, position: Position): boolean {
      if (at !== null && at.epoch !== position.epoch) return roll.get(agentId) !== undefined;
      return lost.has(agentId);
    },
    /** Resolves when the mirror has come that far, or could have. */
    reach(position: Position): Promise<void> {
      if (has(position) || !following || closed) return Promise.resolve();
      return new Promise((resolve) => {
        const waiter = { position, resolve: done };
        const timer = setTimeout(() => {
          done();
          if (!has(position)) reload();
        }, echoMs);
        function done(): void {
          clearTimeout(timer);
          waiting.delete(waiter);
          resolve();
        }
        waiting.add(waiter);
      });
    },
    close(): void {
      closed = true;
      clearTimeout(retry);
      clearTimeout(forgetting);
      for (const waiter of waiting) waiter.resolve();
      roll.clear();
      lost.clear();
      at = null;
    },
  };
}
