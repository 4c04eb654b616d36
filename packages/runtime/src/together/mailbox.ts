import type { IncomingMessage, TaskContext } from "@muster/sdk";

/** Messages that wait for one task. */
const mostWaiting = 20;
/** Characters of one: all that wait must not take the room of the work itself. */
export const letterLength = 2_000;

/** What `send_message` and `broadcast` send. */
export interface Letter {
  text: string;
  /** Of the task in which it was written. */
  taskId: string;
  runId: string | null;
}

/** Hears for one task. */
export interface Hearing {
  /** What has come since, as a word for the model; undefined where nothing has. */
  take(): string | undefined;
  /** Nobody got to see it: it comes once more. */
  giveBack(heard: string): void;
  close(): void;
}

/**
 * What other agents write to an agent, for those of its tasks that are of the same run: an agent may work for several
 * tenants at once, and what is written in the run of one is for nobody else's model to read. What comes while it has no
 * such task is lost, as messages may be.
 */
export const createMailbox = () => {
  const open = new Map<string, Set<string[]>>();

  return {
    receive({ from, payload }: IncomingMessage): void {
      if (!isLetter(payload) || payload.runId === null) return;
      for (const waiting of open.get(payload.runId) ?? [])
        if (waiting.length < mostWaiting) waiting.push(`${from}: ${payload.text}`);
    },

    open({ runId }: Pick<TaskContext, "runId">): Hearing {
      const waiting: string[] = [];
      if (runId !== null) open.set(runId, (open.get(runId) ?? new Set()).add(waiting));
      return {
        take() {
          const heard = waiting.splice(0);
          return heard.length === 0 ? undefined : heard.join("\n\n");
        },
        giveBack: (heard) => void waiting.unshift(heard),
        close() {
          const others = open.get(runId ?? "");
          others?.delete(waiting);
          if (others?.size === 0) open.delete(runId ?? "");
        },
      };
    },
  };
};

const isLetter = (payload: unknown): payload is Letter => {
  if (typeof payload !== "object" || payload === null) return false;
  const { text, taskId, runId } = payload as Partial<Record<keyof Letter, unknown>>;
  const isText = typeof text === "string" && text !== "" && text.length <= letterLength;
  return isText && typeof taskId === "string" && (runId === null || typeof runId === "string");
};
