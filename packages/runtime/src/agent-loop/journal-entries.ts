import { createHash } from "node:crypto";
import { AttemptError, type TaskContext } from "@muster/sdk";
import { clipBytes } from "./clip-bytes.ts";

/** Bytes of JSON that one entry has in the journal itself; more is stored as an artifact, and the entry names it. */
const entryBytes = 256 * 1024;
/** Bytes that the loop puts into the journal of one task; behind that only small entries stay in it. */
const journalBytes = 4 * 1024 * 1024;
/** What counts as small. */
const smallEntryBytes = 2 * 1024;

interface StoredElsewhere {
  storedAt: string;
  sha256: string;
}

/** The part of a task's context that entries need. */
export type EntryContext = Pick<TaskContext, "step" | "artifacts" | "taskId">;

/**
 * The journal as the loop uses it: steps whose values may be larger than an entry may be. Those are artifacts under a
 * key made of task and step, written before the entry that names them; so a crash in between only writes them again.
 */
export const createEntries = (context: EntryContext, prefix: string) => {
  let written = 0;

  const store = async (key: string, text: string): Promise<StoredElsewhere> => {
    const storedAt = `agent-loop/${context.taskId}/${prefix}/${key}.json`;
    await context.artifacts.put(storedAt, text, { contentType: "application/json" });
    return { storedAt, sha256: sha256Of(text) };
  };

  const load = async ({ storedAt, sha256 }: StoredElsewhere): Promise<unknown> => {
    const download = await context.artifacts.get(storedAt);
    const text = await download.text();
    // Agents of one tenant may write artifacts; what the loop goes on from must be what it wrote.
    if (sha256Of(text) === sha256) return JSON.parse(text);
    throw new AttemptError(`The artifact ${storedAt} is not what the journal says that it was.`, {
      code: "content_damaged",
      retryable: false,
    });
  };

  return {
    /** As `step` of the context. */
    async step<T>(key: string, work: () => Promise<T> | T): Promise<T> {
      const value = await context.step<{ value: T } | { stored: StoredElsewhere }>(
        `${prefix}:${key}`,
        async () => {
          const done = (await work()) ?? null;
          const text = JSON.stringify(done);
          const bytes = Buffer.byteLength(text);
          const isLarge = bytes > entryBytes || (written + bytes > journalBytes && bytes > smallEntryBytes);
          return isLarge ? { stored: await store(key, text) } : { value: done as T };
        },
      );
      if ("stored" in value) return (await load(value.stored)) as T;
      written += Buffer.byteLength(JSON.stringify(value.value));
      return value.value;
    },

    /** A text cut to what the model reads at once; the whole of a longer one is an artifact that the cut text names. */
    async keep(key: string, text: string, mostBytes: number): Promise<string> {
      const bytes = Buffer.byteLength(text);
      if (bytes <= mostBytes) return text;
      const artifact = `agent-loop/${context.taskId}/${prefix}/${key}.txt`;
      await context.artifacts.put(artifact, text, { contentType: "text/plain; charset=utf-8" });
      const note = `\n\n[Cut: the first ${mostBytes} of ${bytes} bytes. All of it is the artifact ${artifact}.]`;
      return clipBytes(text, mostBytes) + note;
    },
  };
};

export type Entries = ReturnType<typeof createEntries>;

const sha256Of = (text: string): string => createHash("sha256").update(text).digest("hex");
