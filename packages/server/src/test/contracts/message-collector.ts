import type { Message } from "@muster/sdk/protocol";
import type { MessageBus } from "../../ports/message-bus.ts";

/** Longest wait for messages that should come. */
const patienceMs = 10_000;

let made = 0;

export const message = (to: string, changes: Partial<Message> = {}): Message => ({
  id: `m${++made}`,
  type: "event",
  from: "sender",
  to,
  correlationId: "c",
  payload: { text: "Grüße", list: [1, null, true] },
  sentAt: "2030-01-01T00:00:00.000Z",
  ...changes,
});

export const messages = (to: string, count: number): Message[] =>
  Array.from({ length: count }, () => message(to));

/** A handler that keeps what it is given. */
export function collector() {
  const got: Message[] = [];
  let arrived = () => {};
  return {
    got,
    ids: (): string[] => got.map(({ id }) => id),
    handler: (message: Message): void => {
      got.push(message);
      arrived();
    },
    /** Waits until at least this many have come. */
    has: (count: number): Promise<void> =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => {
          reject(new Error(`Only ${got.length} of ${count} messages came within ${patienceMs} ms.`));
        }, patienceMs);
        arrived = () => {
          if (got.length < count) return;
          clearTimeout(late);
          resolve();
        };
        arrived();
      }),
  };
}

/** A handler that keeps what it is given, and is stuck in its first message until it is opened. */
export function gate() {
  const kept = collector();
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const handler = async (message: Message): Promise<void> => {
    kept.handler(message);
    if (kept.got.length === 1) await opened;
  };
  return { ...kept, handler, open };
}

/** Waits until a message that was sent after all others has arrived. */
export async function quiet(from: MessageBus, to: MessageBus): Promise<void> {
  const probe = collector();
  const address = `probe-${++made}`;
  const subscription = await to.subscribe(address, probe.handler);
  await from.send(message(address), 1);
  await probe.has(1);
  await subscription.end();
}
