import { limits, type Message } from "@muster/sdk/protocol";
import type { Timer } from "../../ports/clock.ts";
import type { Subscription } from "../../ports/message-bus.ts";
import type { AgentLine, LineEnd } from "../orchestrator.ts";
import { HeldTasks } from "./held-tasks.ts";

/**
 * One agent that is connected to this node, or was a moment ago. While its connection is gone, what comes for it
 * waits here.
 */
export class Attachment {
  readonly agentId: string;
  readonly session: string;
  readonly held: HeldTasks;
  subscription: Subscription | undefined;
  /** Runs while the connection is gone. */
  grace: Timer | undefined;
  #line: AgentLine | undefined;
  #waiting: Message[] = [];

  constructor(agentId: string, session: string, line: AgentLine, held: HeldTasks = new HeldTasks()) {
    this.agentId = agentId;
    this.session = session;
    this.held = held;
    this.#line = line;
  }

  get isConnected(): boolean {
    return this.#line !== undefined;
  }

  deliver(message: Message): void {
    if (this.#line !== undefined) this.#line(message);
    else if (this.#waiting.length < limits.mailboxMessages) this.#waiting.push(message);
  }

  disconnect(): void {
    this.#line = undefined;
  }

  /** Nothing more comes here, but what comes by `next`. Answers what the agent has not got. */
  end(reason: LineEnd, next?: AgentLine | null): Message[] {
    this.grace?.cancel();
    const unread = this.#line === next ? [] : this.#line?.end?.(reason);
    const left = [...(unread ?? []), ...this.#waiting];
    this.#line = undefined;
    this.#waiting = [];
    return left;
  }
}
