import { limits, type Message, MusterError } from "../protocol/index.ts";
import type { Connection } from "./connection.ts";
import type { AgentDefinition } from "./create-agent.ts";
import { refusalOf } from "./query-answer.ts";
import type { IncomingMessage } from "./task-context.ts";
import { toJson } from "./to-json.ts";

interface InboxOptions {
  definition: AgentDefinition;
  connection: Connection;
  onProblem: (problem: Error) => void;
}

/** What other agents send: events go to `onMessage`, queries to `onQuery`, whose answer is sent back. */
export class Inbox {
  readonly #options: InboxOptions;
  #inHand = 0;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  receive(message: Message): void {
    if (message.type !== "event" && message.type !== "query") return;
    const { onMessage } = this.#options.definition;
    const isFull = this.#inHand >= limits.mailboxMessages;
    if (message.type === "event" && (onMessage === undefined || isFull)) return;
    this.#inHand++;
    const work = message.type === "query" ? this.#answer(message, isFull) : this.#deliver(message);
    void work
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.#options.onProblem(
          new Error(`A message of agent ${message.from} was not dealt with: ${reason}`, { cause: error }),
        );
      })
      .finally(() => {
        this.#inHand--;
      });
  }

  async #deliver(message: Message): Promise<void> {
    await this.#options.definition.onMessage?.(incoming(message));
  }

  async #answer(message: Message, isFull: boolean): Promise<void> {
    const payload = await this.#payloadOf(message, isFull);
    await this.#options.connection.request("reply", {
      to: message.from,
      correlationId: message.correlationId,
      payload,
    });
  }

  async #payloadOf(message: Message, isFull: boolean): Promise<unknown> {
    const { name, onQuery } = this.#options.definition;
    try {
      if (onQuery === undefined) throw new MusterError("not_found", `Agent ${name} does not answer queries.`);
      if (isFull) throw new MusterError("unavailable", `Agent ${name} has too many messages in hand.`);
      return toJson(await onQuery(incoming(message)), "The answer");
    } catch (error) {
      return refusalOf(error);
    }
  }
}

const incoming = ({ id, from, payload, sentAt }: Message): IncomingMessage => ({ id, from, payload, sentAt });
