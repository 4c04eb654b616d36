import type { Artifact, Message, StreamResponse, Task } from "@a2a-js/sdk";
import { textOf } from "./output-of.ts";
import type { RemoteId } from "./remote-journal.ts";

/** The states of a remote task, in the numbers that all versions of the protocol are read as. */
export type RemoteState =
  | "unknown"
  | "submitted"
  | "working"
  | "completed"
  | "failed"
  | "canceled"
  | "input-required"
  | "rejected"
  | "auth-required";

const states: readonly RemoteState[] = [
  "unknown",
  "submitted",
  "working",
  "completed",
  "failed",
  "canceled",
  "input-required",
  "rejected",
  "auth-required",
];

/** A remote task, as far as it was told. */
export interface Snapshot {
  /** Undefined where the remote agent answered with a message, and made no task of it. */
  id?: RemoteId;
  state: RemoteState;
  /** What the remote agent says beside its state, or instead of a task. */
  message?: Message;
  artifacts: Artifact[];
}

const stateOf = (state: number | undefined): RemoteState => states[state ?? 0] ?? "unknown";

const finals = new Set<RemoteState>(["completed", "failed", "canceled", "rejected"]);
export const isFinal = ({ state }: Snapshot): boolean => finals.has(state);
/** It ended, or nothing goes on before somebody acts. */
export const isStill = (seen: Snapshot): boolean =>
  isFinal(seen) || seen.state === "input-required" || seen.state === "auth-required";

/** Parts and artifacts that one task may gather from a stream. */
const mostGathered = 10_000;

export const snapshotOf = (result: Message | Task): Snapshot =>
  "parts" in result
    ? { state: "completed", message: result, artifacts: [] }
    : {
        id: { taskId: result.id, contextId: result.contextId },
        state: stateOf(result.status?.state),
        ...(result.status?.message === undefined ? {} : { message: result.status.message }),
        artifacts: result.artifacts,
      };

/** What is known after one more event of a stream. */
export function afterEvent(seen: Snapshot, { payload }: StreamResponse): Snapshot {
  if (payload === undefined) return seen;
  if (payload.$case === "task" || payload.$case === "message") return snapshotOf(payload.value);
  const { taskId, contextId } = payload.value;
  const id = seen.id ?? { taskId, contextId };
  // What is told of another task is not about this one.
  if (taskId !== id.taskId) return seen;
  if (payload.$case === "statusUpdate") {
    const { status } = payload.value;
    const { message: _, ...rest } = seen;
    const message = status?.message;
    return { ...rest, id, state: stateOf(status?.state), ...(message === undefined ? {} : { message }) };
  }
  const { artifact, append } = payload.value;
  return artifact === undefined
    ? seen
    : { ...seen, id, artifacts: gathered(seen.artifacts, artifact, append) };
}

function gathered(artifacts: Artifact[], artifact: Artifact, append: boolean): Artifact[] {
  const before = artifacts.find(({ artifactId }) => artifactId === artifact.artifactId);
  const others = artifacts.filter((one) => one !== before);
  if (before === undefined || !append) return [...others, artifact].slice(0, mostGathered);
  // A text that is streamed comes in pieces, each a part of its own.
  const parts = [...before.parts];
  for (const part of artifact.parts) {
    const last = parts.at(-1);
    if (last?.content?.$case === "text" && part.content?.$case === "text") {
      const value = last.content.value + part.content.value;
      parts[parts.length - 1] = { ...last, content: { $case: "text", value } };
    } else parts.push(part);
  }
  return [...others, { ...before, parts: parts.slice(0, mostGathered) }];
}

/** What a remote task says of itself in words. */
export const saidBy = ({ message }: Snapshot): string => textOf(message?.parts);
