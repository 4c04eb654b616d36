import type { Graph } from "./jobs.ts";

/** The books on one run: which job ran how often, and whether any began before what it needs had run. */
export interface Ledger {
  ran(key: number): void;
  /** Resolves when as many runs were noted as there are jobs. */
  readonly allRan: Promise<void>;
  readonly total: number;
  /** Runs noted so far. */
  readonly noted: number;
  /** Throws where a job did not run exactly once, or too early. */
  verify(): void;
}

export function openLedger(graphs: readonly Graph[]): Ledger {
  const needs = new Map(graphs.flat().map((job) => [job.key, job.needs]));
  const runs = new Map<number, number>();
  const early: number[] = [];
  let noted = 0;
  let resolve = () => {};
  const allRan = new Promise<void>((done) => {
    resolve = done;
  });
  return {
    allRan,
    total: needs.size,
    get noted() {
      return noted;
    },
    ran(key) {
      if (needs.get(key)?.some((need) => !runs.has(need)) !== false) early.push(key);
      runs.set(key, (runs.get(key) ?? 0) + 1);
      noted += 1;
      if (noted === needs.size) resolve();
    },
    verify() {
      const missing = [...needs.keys()].filter((key) => !runs.has(key)).length;
      const repeated = [...runs.values()].filter((count) => count > 1).length;
      if (missing + repeated + early.length === 0) return;
      throw new Error(
        `Of ${needs.size} jobs ${missing} did not run, ${repeated} ran more than once, ${early.length} ran too early.`,
      );
    },
  };
}

/** Where nobody looks. */
export const noLedger: Ledger = openLedger([]);
