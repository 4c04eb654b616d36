import type { Clock } from "../../ports/clock.ts";

/** A promise that never settles: what a dead process waits for. */
export const never = <T>(): Promise<T> => new Promise<T>(() => {});

/**
 * A process of the simulated world. What reaches it from outside (timers, messages, answers) goes through it:
 * frozen, it gets them when it thaws; dead, never. So nothing that a dead process had begun goes on.
 */
export class SimulatedProcess {
  readonly clock: Clock;
  #state: "running" | "frozen" | "dead" = "running";
  #held: (() => void)[] = [];

  constructor(clock: Clock) {
    this.clock = {
      now: () => clock.now(),
      setTimer: (delayMs, work) => clock.setTimer(delayMs, () => this.reach(work)),
    };
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }

  /** Something from outside reaches the process. */
  reach(work: () => void): void {
    if (this.#state === "running") work();
    else if (this.#state === "frozen") this.#held.push(work);
  }

  /** The answer to a call that the process made. */
  answer<T>(call: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      call.then(
        (value) => this.reach(() => resolve(value)),
        (error: unknown) => this.reach(() => reject(error)),
      );
    });
  }

  freeze(): void {
    if (this.#state === "running") this.#state = "frozen";
  }

  thaw(): void {
    if (this.#state !== "frozen") return;
    this.#state = "running";
    for (const work of this.#held.splice(0)) this.reach(work);
  }

  kill(): void {
    this.#state = "dead";
    this.#held = [];
  }
}
