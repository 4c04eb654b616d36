import { type Graph, independentJobs } from "./jobs.ts";
import { openLedger } from "./ledger.ts";
import type { OpenPlace } from "./place.ts";
import { type Purpose, type Session, submitAll } from "./system.ts";
import type { SystemName } from "./systems.ts";

/** A figure of a scenario: what it is measured in, and which way is better. */
export interface Figure {
  unit: string;
  better: "higher" | "lower";
}

/** What was measured, by the name of the figure. */
export type Measured = Record<string, number>;

export interface Scenario {
  readonly title: string;
  /** Who takes part; the others can't do it. */
  readonly systems: readonly SystemName[];
  /** `throughput` where nothing is said. */
  readonly purpose?: Purpose;
  readonly figures: Readonly<Record<string, Figure>>;
  /** What Muster is to reach, by system and figure. */
  readonly targets?: Partial<Record<SystemName, Record<string, number>>>;
  /** `scale` is 1, or less for a quick look. */
  measure(session: Session, scale: number, place: OpenPlace): Promise<Measured>;
}

export const perSecond: Figure = { unit: "jobs/s", better: "higher" };
export const milliseconds: Figure = { unit: "ms", better: "lower" };

/** Processor time of the measuring process, so that runs on a busy machine can be compared. */
export const processorTime: Figure = { unit: "µs of node per job", better: "lower" };

/** One run of graphs, verified: every job ran once and after what it needs. */
export async function timed(
  session: Session,
  graphs: readonly Graph[],
): Promise<{ ms: number; cpuUs: number }> {
  const ledger = openLedger(graphs);
  for (const graph of graphs) session.prepare?.(graph);
  const cpu = process.cpuUsage();
  const started = performance.now();
  session.watch(ledger);
  await submitAll(session, graphs);
  await session.settled(ledger);
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  ledger.verify();
  await session.verify?.();
  return { ms, cpuUs: user + system };
}

/** How fast graphs are worked off, by a system that has done some of the same before. */
export const rateOf =
  (make: (scale: number) => Graph[], warmUp: Graph[] = independentJobs(2_000, 100)) =>
  async (session: Session, scale: number): Promise<Measured> => {
    await timed(session, warmUp);
    const graphs = make(scale);
    const jobs = graphs.reduce((sum, graph) => sum + graph.length, 0);
    const { ms, cpuUs } = await timed(session, graphs);
    return { rate: jobs / (ms / 1_000), cpu: cpuUs / jobs };
  };

/** The time that each job of graphs took of the whole. */
export const stepOf =
  (make: (scale: number) => Graph[]) =>
  async (session: Session, scale: number): Promise<Measured> => {
    await timed(session, make(scale));
    const graphs = make(scale);
    const { ms } = await timed(session, graphs);
    return { step: ms / graphs.reduce((sum, graph) => sum + graph.length, 0) };
  };

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
