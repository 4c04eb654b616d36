import { limits, type Message } from "@muster/sdk/protocol";

/** Characters of the JSON text of all messages that wait in one mailbox; a single one may be larger. */
const mailboxCharacters = 32 * 1024 * 1024;

interface Poller {
  end(messages: string[]): void;
  max: number;
}

/**
 * Messages of one agent that fetches them by HTTP. They wait here, as JSON text and in order, until the agent
 * asks. A full mailbox takes no more: the bus may lose messages, and leases bring the work back.
 */
export class Mailbox {
  #waiting: string[] = [];
  #characters = 0;
  #poller: Poller | undefined;
  #wakePlanned = false;
  #closed = false;

  /** False where the mailbox is full or closed and the message was not taken. */
  deliver(message: Message): boolean {
    const text = JSON.stringify(message);
    const tooLarge = this.#characters > 0 && this.#characters + text.length > mailboxCharacters;
    if (this.#closed || tooLarge || this.#waiting.length >= limits.mailboxMessages) return false;
    this.#waiting.push(text);
    this.#characters += text.length;
    this.#wake();
    return true;
  }

  /**
   * Takes up to `max` messages as soon as there are any, or none after `waitMs`. One caller waits at a time:
   * a second one ends the first with nothing. `gone` ends the waiting without taking anything.
   */
  async take(max: number, waitMs: number, gone: AbortSignal): Promise<string[]> {
    this.interrupt();
    if (gone.aborted) return [];
    if (this.#waiting.length > 0 || waitMs <= 0 || this.#closed) return this.#takeNow(max);
    return this.#waitFor(max, waitMs, gone);
  }

  /** Messages that were taken and never reached the agent go back to the front. */
  putBack(messages: readonly string[]): void {
    if (this.#closed) return;
    this.#waiting = [...messages, ...this.#waiting];
    for (const text of messages) this.#characters += text.length;
    this.#wake();
  }

  /** Ends whoever waits, with nothing. */
  interrupt(): void {
    this.#poller?.end([]);
  }

  /** Takes nothing more; answers what nobody fetched. */
  close(): Message[] {
    const left = this.#waiting.map((text) => JSON.parse(text) as Message);
    this.#closed = true;
    this.#waiting = [];
    this.#characters = 0;
    this.interrupt();
    return left;
  }

  #takeNow(max: number): string[] {
    const taken = this.#waiting.splice(0, max);
    for (const text of taken) this.#characters -= text.length;
    return taken;
  }

  /**
   * Messages that arrive together leave together. Before they leave, the event loop looks at the network once,
   * so that a poller whose connection has just ended is found to be gone.
   */
  #wake(): void {
    if (this.#wakePlanned || this.#poller === undefined) return;
    this.#wakePlanned = true;
    setImmediate(() => setImmediate(() => this.#handOver()));
  }

  #handOver(): void {
    this.#wakePlanned = false;
    const poller = this.#poller;
    if (poller !== undefined && this.#waiting.length > 0) poller.end(this.#takeNow(poller.max));
  }

  #waitFor(max: number, waitMs: number, gone: AbortSignal): Promise<string[]> {
    return new Promise((resolve) => {
      const end = (messages: string[]) => {
        clearTimeout(timer);
        gone.removeEventListener("abort", endEmpty);
        if (this.#poller === poller) this.#poller = undefined;
        resolve(messages);
      };
      const endEmpty = () => end([]);
      const timer = setTimeout(endEmpty, waitMs);
      gone.addEventListener("abort", endEmpty);
      const poller: Poller = { end, max };
      this.#poller = poller;
    });
  }
}
