import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Random } from "../../ports/random.ts";
import { createSpendingWitness, type SpendingMove } from "./budget-rules.ts";
import { type Chance, createChance } from "./chance.ts";
import type { Violation } from "./event-rules.ts";
import { type Faults, someFaults } from "./faults.ts";
import { createLockWitness } from "./lock-rules.ts";
import type { Rewrite } from "./mutations.ts";
import type { NodeProcess } from "./node-process.ts";
import { createRestingDatabase } from "./resting-database.ts";
import type { PlannedSchedule } from "./schedule-rules.ts";
import { createSeededIds } from "./seeded-ids.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { createSimulatedBroker, type SimulatedBroker } from "./simulated-broker.ts";
import { createSimulatedClock, type SimulatedClock } from "./simulated-clock.ts";
import { createSimulatedRedis, type SimulatedRedis } from "./simulated-redis.ts";
import type { Call } from "./spending.ts";

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
  /** Calls that cost something, as they were made. */
  calls: Call[];
  /** What budgets went through, and what was handed out, as it was committed. */
  spending: SpendingMove[];
  /** Schedules that were asked for, by name. */
  schedules: Map<string, PlannedSchedule>;
  /** Names of triggers that somebody paused, let go on or deleted. */
  touchedTriggers: Set<string>;
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
  /** Numbers of the events that a subscriber at each node got, over all lives of that node. */
  readonly followed: number[][];
  /** Told what each statement answered, about locks and about budgets. */
  readonly witnesses: readonly ((statement: string, rows: readonly unknown[]) => void)[];
  /** Calls that were checked against their budgets. */
  callsChecked: number;
  readonly lines: string[];
  readonly violations: Violation[];
  /** By place; null while it is down. */
  readonly nodes: (NodeProcess | null)[];
  /** How far the clock of each node is off. */
  readonly skews: number[];
  /** What nodes share; null for a node that is alone. */
  readonly broker: SimulatedBroker | null;
  readonly redis: SimulatedRedis | null;
  note(line: string): void;
  violate(violation: Violation): void;
}

/** Violations kept; the first is the one to look at. */
const mostViolations = 20;
const firstMinute = Date.UTC(2026, 0, 1);
const mostBeforeMinuteMs = 40_000;

export function createWorld(inner: Database, seed: number, rewrite: Rewrite): World {
  const { database, rest } = createRestingDatabase(inner);
  const random = createSeededRandom(seed);
  // The first full minute, at which schedules are due, comes while things go wrong.
  const startAt = firstMinute - Math.floor(random.next() * mostBeforeMinuteMs);
  const clock = createSimulatedClock({ settle: rest, startAt });
  const lines: string[] = [];
  const violations: Violation[] = [];
  const note = (line: string): void => {
    lines.push(`${((clock.now() - startAt) / 1_000).toFixed(3)} ${line}`);
  };
  const chance = createChance(random);
  const faults = { ...someFaults };
  const many = Number(chance.weighted({ 1: 2, 2: 5, 3: 3 }));
  const shared = many === 1 ? null : { clock, chance, faults, note };
  const promises: Promises = {
    tasks: new Map(),
    runs: [],
    cancels: [],
    accepted: new Map(),
    completions: new Map(),
    steps: new Map(),
    leases: new Map(),
    calls: [],
    spending: [],
    schedules: new Map(),
    touchedTriggers: new Set(),
  };
  function violate(violation: Violation): void {
    note(`VIOLATION ${violation.rule}: ${violation.taskIds.join(", ")} ${violation.detail}`);
    if (violations.length < mostViolations) violations.push(violation);
  }
  return {
    clock,
    random,
    chance,
    witnesses: [createLockWitness({ clock, violate, note }), createSpendingWitness(promises.spending)],
    ids: createSeededIds(clock, random),
    database,
    rewrite,
    faults,
    promises,
    followed: [],
    callsChecked: 0,
    lines,
    violations,
    nodes: Array.from({ length: many }, () => null),
    skews: Array.from({ length: many }, () => 0),
    broker: shared && createSimulatedBroker(shared),
    redis: shared && createSimulatedRedis(shared),
    note,
    violate,
  };
}
