import type { Client, RunningAgent } from "@muster/sdk";
import type { Graph } from "./jobs.ts";
import type { Ledger } from "./ledger.ts";
import type { Need, Place } from "./place.ts";

/** What a system is set up for, where its documentation makes a difference between the two. */
export type Purpose = "throughput" | "latency";

/**
 * One of those that are compared, in the configuration that its own documentation recommends, with producer and
 * workers in one process.
 */
export interface System {
  readonly title: string;
  /** npm package whose version is shown. */
  readonly package: string;
  /** How it is set up, for the reader of the table. */
  readonly setup: string;
  /** What is on disk when a job is acknowledged, and when its end is. */
  readonly durability: string;
  readonly needs: readonly Need[];
  open(place: Place, purpose: Purpose): Promise<Session>;
}

/** A system that runs. Its handlers do nothing but note their job in the ledger. */
export interface Session {
  /** From now on runs are noted here. */
  watch(ledger: Ledger): void;
  /** What can be done once and for all before time is taken, as compiling a graph. */
  prepare?(graph: Graph): void;
  /** Hands in one graph; resolves when the system has acknowledged it. */
  submit(graph: Graph): Promise<unknown>;
  /** Resolves when every job of the ledger has run and the system itself knows that it has ended. */
  settled(ledger: Ledger): Promise<void>;
  /** After time was taken: throws where the system says of a job that it is not over. */
  verify?(): Promise<void>;
  close(): Promise<void>;
  /** What only Muster can be asked. */
  muster?: MusterSession;
}

export interface MusterSession {
  client: Client;
  /** One more agent; its handlers note what they ran like those of all others. */
  addAgent(name: string, capabilities: readonly string[]): Promise<Pick<RunningAgent, "stop">>;
}

/** Submissions on their way at once, for every system. */
const mostUnderWay = 16;

/** Hands in all graphs in their order, a few at once. */
export async function submitAll(session: Session, graphs: readonly Graph[]): Promise<void> {
  const queue = graphs.values();
  const lane = async () => {
    for (const graph of queue) await session.submit(graph);
  };
  await Promise.all(Array.from({ length: Math.min(mostUnderWay, graphs.length) }, lane));
}
