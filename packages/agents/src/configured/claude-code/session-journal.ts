import { randomUUID } from "node:crypto";
import type { TaskContext } from "@muster/sdk";
import { WorkError } from "../work-error.ts";

/** A session of Claude Code: a new one, or one that an earlier attempt began. */
export interface Session {
  nth: number;
  id: string;
  isNew: boolean;
}

/** Sessions that one task may use up: more than it may have attempts. */
const mostSessions = 200;

/** The session to work in. Its id is journaled before it begins, so that the attempt after a crash finds it. */
export async function nextSession(context: TaskContext): Promise<Session> {
  for (let nth = 1; nth <= mostSessions; nth++) {
    if (await isOver(context, nth)) continue;
    let isNew = false;
    const id = await context.step(`claude-code:session:${nth}`, () => {
      isNew = true;
      return randomUUID();
    });
    return { nth, id, isNew };
  }
  throw new WorkError("internal", "The journal holds more sessions than a task may have.", {
    retryable: false,
  });
}

/** The session came to an end without success: nobody goes on with it. */
export const endSession = (context: TaskContext, { nth }: Session): Promise<boolean> =>
  context.step(overKey(nth), () => true);

const overKey = (nth: number): string => `claude-code:over:${nth}`;

async function isOver(context: TaskContext, nth: number): Promise<boolean> {
  const missing = new Error("Nothing is journaled under this key.");
  // A step that fails is not kept, so this only looks.
  return context
    .step<boolean>(overKey(nth), () => {
      throw missing;
    })
    .catch((error: unknown) => {
      if (error === missing) return false;
      throw error;
    });
}
