import { limits, MusterError, StateSnapshotLine } from "@muster/sdk/protocol";
import { parse } from "../validate.ts";

/** A document with its path and who wrote it; more is not ours. */
const mostLineBytes = 2 * limits.stateDocumentBytes;

export const damaged = (id: string, why: string): MusterError =>
  new MusterError("content_damaged", `The snapshot ${id} can't be used: ${why}.`, {
    hint: "Nothing was changed. Restore another one: `muster state snapshot list` shows them.",
  });

/** The documents in the content of a snapshot, one by one. What is no line of ours is refused as damaged. */
export async function* readSnapshotLines(
  id: string,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<StateSnapshotLine> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  try {
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() as string;
      if (rest.length > mostLineBytes) throw damaged(id, "it has a line that is too long");
      for (const line of lines) yield documentOf(id, line);
    }
  } catch (error) {
    throw error instanceof TypeError ? damaged(id, "it is no text") : error;
  }
  if (rest !== "") throw damaged(id, "its last line is cut off");
}

function documentOf(id: string, line: string): StateSnapshotLine {
  try {
    return parse(StateSnapshotLine, JSON.parse(line), "The line");
  } catch {
    throw damaged(id, "it has a line that is no document");
  }
}
