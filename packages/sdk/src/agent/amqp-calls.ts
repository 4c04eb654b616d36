import { errorOfProblem } from "../http/problem-of.ts";
import type { Message, MusterError } from "../protocol/index.ts";
import type { Clock, Timer } from "../time/clock.ts";

interface OpenCall {
  resolve: (result: unknown) => void;
  reject: (error: MusterError) => void;
  timer: Timer;
}

/** Calls of the orchestrator that wait for their answers, by correlation id. */
export class AmqpCalls {
  readonly #clock: Clock;
  readonly #open = new Map<string, OpenCall>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Resolves with the answer. Rejects with its problem, or with `late()` when there is none within `mostMs`. */
  open(correlationId: string, mostMs: number, late: () => MusterError): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimer(mostMs, () => this.fail(correlationId, late()));
      this.#open.set(correlationId, { resolve, reject, timer });
    });
  }

  answer({ correlationId, payload }: Message): void {
    const { problem, result } = (payload ?? {}) as { problem?: unknown; result?: unknown };
    if (problem === undefined) this.#take(correlationId)?.resolve(result);
    else this.fail(correlationId, errorOfProblem(problem));
  }

  fail(correlationId: string, error: MusterError): void {
    this.#take(correlationId)?.reject(error);
  }

  failAll(error: MusterError): void {
    for (const correlationId of [...this.#open.keys()]) this.fail(correlationId, error);
  }

  #take(correlationId: string): OpenCall | undefined {
    const call = this.#open.get(correlationId);
    this.#open.delete(correlationId);
    call?.timer.cancel();
    return call;
  }
}
