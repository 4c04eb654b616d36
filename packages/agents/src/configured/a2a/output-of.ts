import type { Artifact, Part } from "@a2a-js/sdk";
import type { TaskContext } from "@muster/sdk";
import { WorkError } from "../work-error.ts";

/** Files of one output. */
const mostFiles = 100;
/** Characters of the name and the place of a file that are kept. */
const nameLength = 100;
const urlLength = 8_192;

/** A file of an output: in the artifact store, or where the remote agent says that it is. */
interface RemoteFile {
  name: string;
  contentType: string;
  artifact?: string;
  url?: string;
}

export const textOf = (parts: readonly Part[] | undefined): string =>
  (parts ?? [])
    .flatMap(({ content }) => (content?.$case === "text" ? [content.value] : []))
    .join("\n")
    .trim();

export const partsOf = (artifacts: readonly Artifact[]): Part[] => artifacts.flatMap(({ parts }) => parts);

/**
 * An output made of parts. Data alone is the output; texts alone are `{text}`; otherwise it is `{text, data, files}` with
 * what there is. Bytes go to the artifact store; an address is passed on, and nothing is fetched from there.
 */
export async function outputOf(
  parts: readonly Part[],
  context: TaskContext,
  mostBytes: number,
): Promise<unknown> {
  const text = textOf(parts);
  const data = parts.flatMap(({ content }) => (content?.$case === "data" ? [content.value as unknown] : []));
  const files = await filesOf(parts, context);
  const [only] = data;
  const isData = data.length === 1 && text === "" && files.length === 0;
  const output = isData
    ? only
    : {
        ...((text !== "" || parts.length === 0) && { text }),
        ...(data.length > 0 && { data }),
        ...(files.length > 0 && { files }),
      };
  const bytes = Buffer.byteLength(JSON.stringify(output) ?? "null");
  if (bytes <= mostBytes) return output;
  throw new WorkError("output_too_large", `The output has ${bytes} bytes; ${mostBytes} are allowed.`, {
    retryable: false,
  });
}

async function filesOf(parts: readonly Part[], context: TaskContext): Promise<RemoteFile[]> {
  const files: RemoteFile[] = [];
  for (const { content, filename, mediaType } of parts) {
    if (content?.$case !== "raw" && content?.$case !== "url") continue;
    if (files.length === mostFiles) {
      throw new WorkError("output_too_large", `The output has more than ${mostFiles} files.`, {
        retryable: false,
      });
    }
    const file = { name: filename.slice(0, nameLength), contentType: typeOf(mediaType) };
    if (content.$case === "url") files.push({ ...file, url: content.value.slice(0, urlLength) });
    else {
      const key = `a2a/${context.taskId}/${files.length + 1}-${safe(filename)}`;
      await context.artifacts.put(key, content.value, {
        contentType: file.contentType,
        signal: context.signal,
      });
      files.push({ ...file, artifact: key });
    }
  }
  return files;
}

const typeOf = (mediaType: string): string =>
  /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/.test(mediaType) ? mediaType : "application/octet-stream";

/** A name that a key may hold. */
const safe = (name: string): string =>
  name
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[.-]+/, "")
    .slice(0, nameLength) || "file";
