import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Random } from "../../ports/random.ts";
import { type Chance, createChance } from "./chance.ts";
import type { Violation } from "./event-rules.ts";
import { type Faults, someFaults } from "./faults.ts";
import type { Rewrite } from "./mutations.ts";
import type { OrchestratorProcess } from "./orchestrator-process.ts";
import { createRestingDatabase } from "./resting-database.ts";
import { createSeededIds } from "./seeded-ids.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { createSimulatedClock, type SimulatedClock } from "./simulated-clock.ts";

/** A cancel that was acknowledged, and the number of the newest event at that moment. */
export interface AcknowledgedCancel {
  seq: number;
  /** The task that was cancelled; null where it was a run. */
  taskId: string | null;
  runId: string | null;
}

/** What the world promised to somebody, or saw, and that must still hold at the end. */
export interface Promises {
  /** Tasks whose submission was acknowledged, by idempotency key. */
  tasks: Map<string, string>;
  runs: string[];
  cancels: AcknowledgedCancel[];
  /** Accepted outcomes by lease token. */
  accepted: Map<string, number>;
  /** Accepted completions by task. */
  completions: Map<string, number>;
  /** Steps of handlers (`task step`) whose journal entry was acknowledged, and the attempt that was told so. */
  steps: Map<string, number>;
  /** The newest lease token of each task, as claims were committed. */
  leases: Map<string, string>;
}

/**
 * A world of its own: one time, one source of chance, one database that outlives the processes, and the memory of
 * what was promised. Everything in it happens in an order that the seed alone decides.
 */
export interface World {
  readonly clock: SimulatedClock;
  readonly random: Random;
  readonly chance: Chance;
  readonly ids: Ids;
  /** Without faults: for the checks, which are not part of the world. */
  readonly database: Database;
  readonly rewrite: Rewrite;
  readonly faults: Faults;
  readonly promises: Promises;
  /** Numbers of the events that a subscriber got, over all lives of the orchestrator. */
  readonly followed: number[];
  readonly lines: string[];
  readonly violations: Violation[];
  /** Null while it is down. */
  orchestrator: OrchestratorProcess | null;
  note(line: string): void;
  violate(violation: Violation): void;
}

/** Violations kept; the first is the one to look at. */
const mostViolations = 20;

export function createWorld(inner: Database, seed: number, rewrite: Rewrite): World {
  const { database, rest } = createRestingDatabase(inner);
  const clock = createSimulatedClock({ settle: rest });
  const startAt = clock.now();
  const random = createSeededRandom(seed);
  const lines: string[] = [];
  const violations: Violation[] = [];
  const note = (line: string): void => {
    lines.push(`${((clock.now() - startAt) / 1_000).toFixed(3)} ${line}`);
  };
  return {
    clock,
    random,
    chance: createChance(random),
    ids: createSeededIds(clock, random),
    database,
    rewrite,
    faults: { ...someFaults },
    promises: {
      tasks: new Map(),
      runs: [],
      cancels: [],
      accepted: new Map(),
      completions: new Map(),
      steps: new Map(),
      leases: new Map(),
    },
    followed: [],
    lines,
    violations,
    orchestrator: null,
    note,
    violate(violation) {
      note(`VIOLATION ${violation.rule}: ${violation.taskIds.join(", ")} ${violation.detail}`);
      if (violations.length < mostViolations) violations.push(violation);
    },
  };
}
