import type { TaskContext } from "@muster/sdk";
import { WorkError } from "../work-error.ts";

/** Messages that one task may begin with: more than it may have attempts. */
const mostMessages = 200;

/** A task of the remote agent. */
export interface RemoteId {
  taskId: string;
  contextId: string;
}

/** Where an earlier attempt got to. */
export type Begun =
  | { nth: number; is: "new" }
  | { nth: number; is: "known"; id: RemoteId }
  /** A message was about to be sent, and nobody learned whether it was. */
  | { nth: number; is: "unknown" };

export interface RemoteJournal {
  begin(): Promise<Begun>;
  /** The remote agent made a task of the message. */
  found(nth: number, id: RemoteId): Promise<void>;
  /** The message came to nothing, or its task ended without success: the next attempt sends another one. */
  over(nth: number): Promise<void>;
  /** Questions of this task that were answered. */
  answered(nth: number): Promise<number>;
  noteAnswer(nth: number, round: number): Promise<void>;
}

/**
 * What is remembered of a remote task, so that no message is sent twice however an attempt ends. Before a message
 * is sent, that it will be is journaled; then the id of the task that it became. What is in the journal is read by
 * steps that fail where nothing is there, since a step that failed is not kept.
 */
export function createRemoteJournal(context: TaskContext): RemoteJournal {
  const missing = new Error("Nothing is journaled under this key.");
  const peek = <T>(key: string): Promise<T | undefined> =>
    context
      .step<T>(key, () => {
        throw missing;
      })
      .catch((error: unknown) => {
        if (error === missing) return undefined;
        throw error;
      });
  const keep = async (key: string, value: unknown): Promise<void> =>
    void (await context.step(key, () => value));
  return {
    async begin() {
      for (let nth = 1; nth <= mostMessages; nth++) {
        if ((await peek(`a2a:over:${nth}`)) !== undefined) continue;
        const id = await peek<RemoteId>(`a2a:task:${nth}`);
        if (id !== undefined) return { nth, is: "known", id };
        if ((await peek(`a2a:send:${nth}`)) !== undefined) return { nth, is: "unknown" };
        await keep(`a2a:send:${nth}`, true);
        return { nth, is: "new" };
      }
      throw new WorkError("internal", "The journal holds more messages than a task may have.", {
        retryable: false,
      });
    },
    found: (nth, id) => keep(`a2a:task:${nth}`, id),
    over: (nth) => keep(`a2a:over:${nth}`, true),
    async answered(nth) {
      for (let round = 0; ; round++)
        if ((await peek(`a2a:answer:${nth}:${round}`)) === undefined) return round;
    },
    noteAnswer: (nth, round) => keep(`a2a:answer:${nth}:${round}`, true),
  };
}
