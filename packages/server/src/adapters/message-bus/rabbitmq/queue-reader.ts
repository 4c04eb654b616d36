import type { Message } from "@muster/sdk/protocol";
import type { MessageHandler } from "../../../ports/message-bus.ts";
import type { QueueShape } from "./topology.ts";

export interface Delivery {
  message: Message;
  handled(): void;
  /** Back into the queue, for whoever reads it next. */
  giveBack(): void;
}

export interface ReaderOptions {
  queue: QueueShape;
  handler: MessageHandler;
  /** Messages that the broker hands out before the first of them is handled. */
  prefetch: number;
  /** Whether the handler is called again before it is done. */
  concurrent: boolean;
  /** Whether somebody else who begins to read takes our place. */
  alone: boolean;
  /** False for a message that is not to be handled, as it was already. */
  accepts: (message: Message) => boolean;
  onHandlerFailed: (message: Message, error: unknown) => void;
}

/** One handler on one queue of the broker, through as many channels as come and go meanwhile. */
export class QueueReader {
  readonly options: ReaderOptions;
  /** When it began to read, by the order that nodes agree on. */
  readonly since: number;
  /** When it began, by the clock of this process. */
  readonly beganAt = performance.now();
  readonly #waiting: Delivery[] = [];
  #busy = false;
  #ended = false;

  constructor(options: ReaderOptions, since: number) {
    this.options = options;
    this.since = since;
  }

  get ended(): boolean {
    return this.#ended;
  }

  take(delivery: Delivery): void {
    if (this.#ended) delivery.giveBack();
    else if (this.options.concurrent) void this.#handle(delivery);
    else {
      this.#waiting.push(delivery);
      if (!this.#busy) void this.#drain();
    }
  }

  /** The handler is not called any more; what it has not been given goes back. */
  end(): void {
    this.#ended = true;
    for (const delivery of this.#waiting.splice(0)) delivery.giveBack();
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#handle(next);
    }
    this.#busy = false;
  }

  /** Does not reject: a handler's failure is reported and the next message goes on. */
  async #handle({ message, handled }: Delivery): Promise<void> {
    try {
      if (this.options.accepts(message)) await this.options.handler(message);
    } catch (error) {
      this.options.onHandlerFailed(message, error);
    }
    handled();
  }
}
