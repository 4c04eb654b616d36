import { limits, type Message } from "@muster/sdk/protocol";

/** Characters of the JSON text of all messages that wait in one mailbox; a single one may be larger. */
const mailboxCharacters = 32 * 1024 * 1024;

/**
 * Messages of one agent that fetches them by HTTP. They wait here, as JSON text and in order, until the agent
 * asks. A full mailbox takes no more: the bus may lose messages, and leases bring the work back.
 */
export interface Mailbox {
  /** False where the mailbox is full or closed and the message was not taken. */
  deliver(message: Message): boolean;
  /**
   * Takes up to `max` messages as soon as there are any, or none after `waitMs`. One caller waits at a time:
   * a second one ends the first with nothing. `gone` ends the waiting without taking anything.
   */
  take(max: number, waitMs: number, gone: AbortSignal): Promise<string[]>;
  /** Messages that were taken and never reached the agent go back to the front. */
  putBack(messages: readonly string[]): void;
  /** Ends whoever waits, with nothing. Messages that wait stay, to be taken while there is somebody to take them. */
  interrupt(): void;
  /** Drops everything and takes nothing more. */
  close(): void;
}

interface Poller {
  end(messages: string[]): void;
  max: number;
}

export function createMailbox(): Mailbox {
  let waiting: string[] = [];
  let characters = 0;
  let poller: Poller | undefined;
  let wakePlanned = false;
  let closed = false;

  function takeNow(max: number): string[] {
    const taken = waiting.splice(0, max);
    for (const text of taken) characters -= text.length;
    return taken;
  }

  /**
   * Messages that arrive together leave together. Before they leave, the event loop looks at the network once,
   * so that a poller whose connection has just ended is found to be gone.
   */
  function wake(): void {
    if (wakePlanned || poller === undefined) return;
    wakePlanned = true;
    setImmediate(() => setImmediate(handOver));
  }

  function handOver(): void {
    wakePlanned = false;
    if (poller !== undefined && waiting.length > 0) poller.end(takeNow(poller.max));
  }

  function waitFor(max: number, waitMs: number, gone: AbortSignal): Promise<string[]> {
    return new Promise((resolve) => {
      const end = (messages: string[]) => {
        clearTimeout(timer);
        gone.removeEventListener("abort", endEmpty);
        if (poller === self) poller = undefined;
        resolve(messages);
      };
      const endEmpty = () => end([]);
      const timer = setTimeout(endEmpty, waitMs);
      gone.addEventListener("abort", endEmpty);
      const self: Poller = { end, max };
      poller = self;
    });
  }

  return {
    deliver(message) {
      const text = JSON.stringify(message);
      const full =
        waiting.length >= limits.mailboxMessages ||
        (characters > 0 && characters + text.length > mailboxCharacters);
      if (closed || full) return false;
      waiting.push(text);
      characters += text.length;
      wake();
      return true;
    },
    async take(max, waitMs, gone) {
      poller?.end([]);
      if (gone.aborted) return [];
      if (waiting.length > 0 || waitMs <= 0 || closed) return takeNow(max);
      return waitFor(max, waitMs, gone);
    },
    putBack(messages) {
      if (closed) return;
      waiting = [...messages, ...waiting];
      for (const text of messages) characters += text.length;
      wake();
    },
    interrupt: () => poller?.end([]),
    close() {
      closed = true;
      waiting = [];
      characters = 0;
      poller?.end([]);
    },
  };
}
