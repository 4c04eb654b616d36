import { limits } from "../protocol/index.ts";
import type { Clock, Timer } from "../time/clock.ts";
import type { Attempt } from "./attempt.ts";
import type { Connection } from "./connection.ts";
import type { TaskContext } from "./task-context.ts";
import { clip } from "./task-error.ts";
import { toJson } from "./to-json.ts";

interface ProgressReport {
  fraction?: number;
  message?: string;
}
type LogLine = Parameters<TaskContext["log"]>;

/** One progress report per attempt in this time; the newest one waits. */
const progressMs = 250;
/** Log lines of one agent on their way at once; more are dropped and counted. */
const mostLogLines = 1_000;

/**
 * What an agent tells of its work beside the results: progress and log lines. Nobody waits for them and a lost
 * one is lost. One timer serves the progress of all attempts.
 */
export class Reports {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #sentAt = new WeakMap<Attempt, number>();
  readonly #pending = new Map<Attempt, ProgressReport>();
  #timer: Timer | undefined;
  #logLinesInFlight = 0;
  #logLinesDropped = 0;

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  progress(attempt: Attempt, fraction: number, message: string | undefined): void {
    if (attempt.gone !== undefined) return;
    const report = {
      ...(Number.isFinite(fraction) ? { fraction: Math.min(1, Math.max(0, fraction)) } : {}),
      ...(message === undefined ? {} : { message: clip(String(message), limits.textLength) }),
    };
    if (this.#isDue(attempt)) {
      this.#sendProgress(attempt, report);
      return;
    }
    this.#pending.set(attempt, report);
    this.#timer ??= this.#clock.setTimer(progressMs, () => this.#flush());
  }

  /** The last progress of an attempt is always sent. */
  finish(attempt: Attempt): void {
    const report = this.#pending.get(attempt);
    if (report !== undefined) this.#sendProgress(attempt, report);
  }

  log(attempt: Attempt, ...[level, message, fields]: LogLine): void {
    if (attempt.gone !== undefined) return;
    if (this.#logLinesInFlight >= mostLogLines) {
      this.#logLinesDropped++;
      return;
    }
    if (this.#logLinesDropped > 0) {
      const dropped = this.#logLinesDropped;
      this.#logLinesDropped = 0;
      this.#sendLog(attempt, [
        "warn",
        `${dropped} log lines were dropped: ${mostLogLines} were on their way.`,
      ]);
    }
    this.#sendLog(attempt, [level, message, fields]);
  }

  #flush(): void {
    this.#timer = undefined;
    for (const [attempt, report] of this.#pending) {
      if (attempt.gone !== undefined) this.#pending.delete(attempt);
      else if (this.#isDue(attempt)) this.#sendProgress(attempt, report);
    }
    if (this.#pending.size > 0) this.#timer = this.#clock.setTimer(progressMs, () => this.#flush());
  }

  #isDue(attempt: Attempt): boolean {
    const sentAt = this.#sentAt.get(attempt);
    return sentAt === undefined || this.#clock.now() - sentAt >= progressMs;
  }

  #sendProgress(attempt: Attempt, report: ProgressReport): void {
    this.#pending.delete(attempt);
    this.#sentAt.set(attempt, this.#clock.now());
    this.#connection.request("progress", { ...attempt.lease, ...report }).catch(ignore);
  }

  #sendLog(attempt: Attempt, [level, message, fields]: LogLine): void {
    this.#logLinesInFlight++;
    this.#connection
      .request("log", {
        ...attempt.lease,
        level,
        message: clip(String(message), limits.textLength),
        ...(fields === undefined ? {} : { fields: toFields(fields) }),
      })
      .catch(ignore)
      .finally(() => {
        this.#logLinesInFlight--;
      });
  }
}

const ignore = () => undefined;

const toFields = (fields: Record<string, unknown>): Record<string, unknown> => {
  try {
    return toJson(fields, "The fields of a log line") as Record<string, unknown>;
  } catch (error) {
    return { unreadable: (error as Error).message };
  }
};
