import type { Message } from "@muster/sdk/protocol";
import type { AgentLine } from "../core/orchestrator.ts";
import type { AgentConnection } from "./agent-connections.ts";
import { Mailbox } from "./mailbox.ts";

/** The connection of an agent that polls: a mailbox, from which each poll takes what is there. */
export interface MailboxConnection extends AgentConnection {
  readonly mailbox: Mailbox;
  /** What the gateway delivers to. */
  readonly line: AgentLine;
}

export function createMailboxConnection(
  session: string,
  onDropped: (message: { id: string; to: string }) => void = () => {},
): MailboxConnection {
  const mailbox = new Mailbox();
  return {
    mailbox,
    session,
    line: Object.assign(
      (message: Message) => {
        if (!mailbox.deliver(message)) onDropped(message);
      },
      { end: () => mailbox.close() },
    ),
    replaced: () => void mailbox.close(),
  };
}

export const isMailbox = (connection: AgentConnection | undefined): connection is MailboxConnection =>
  connection?.mailbox !== undefined;
