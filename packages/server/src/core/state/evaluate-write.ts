import {
  type Json,
  limits,
  type Merged,
  MusterError,
  mergeThreeWay,
  type StateConflict,
  type StateWrite,
} from "@muster/sdk/protocol";
import { payloadText } from "../validate.ts";
import { applyJsonPatch, checkJsonPatch, PatchMismatch } from "./apply-json-patch.ts";
import { applyMergePatch } from "./merge-patch.ts";

/** The newest version of a document, as far as is known; its content is only there where a write needs it. */
export interface Current {
  /** 0 where there is none. */
  version: number;
  deleted: boolean;
  content: Json | undefined;
  fences: Readonly<Record<string, number>>;
}

/** The version that a write was made for, where it is still kept. Undefined content: it was deleted. */
export interface Base {
  version: number;
  content: Json | undefined;
}

/** The grant of a lock under which a document is written; later grants have higher fences. */
export interface Fence {
  name: string;
  fence: number;
}

/** What a write makes of a document. */
export interface Evaluated {
  /** Undefined: the document is deleted. */
  content: Json | undefined;
  text: string | null;
  bytes: number;
  merged: boolean;
  fences: Readonly<Record<string, number>>;
}

/** Whether a write can't be judged without the content of the newest version. */
export const needsContent = ({ kind, merge }: StateWrite): boolean =>
  kind === "merge-patch" || kind === "json-patch" || merge !== undefined;

/** Refuses what is wrong with a write whatever the document is. */
export function checkWrite(path: string, write: StateWrite): StateWrite {
  const { kind, body, ifVersion, merge } = write;
  if (kind === "json-patch") checkJsonPatch(body);
  if (kind === "put") contentText(path, body as Json);
  if (kind === "merge-patch") payloadText(body, "The merge patch");
  if (kind === "delete" && body !== undefined)
    throw new MusterError("invalid_request", "A deletion has no body.", { hint: "Leave it out." });
  if (merge !== undefined && (ifVersion === undefined || kind === "delete")) {
    throw new MusterError("invalid_request", "This write can't be merged three ways.", {
      hint: "A put or patch can, and needs the version that it was made for: If-Match, or ifVersion.",
    });
  }
  return write;
}

/**
 * What a write makes of the newest version of a document, or the refusal as an error. Pure: it is asked again when
 * another write came in between.
 */
export function evaluateWrite(
  path: string,
  write: StateWrite,
  current: Current,
  base: Base | null,
  fence: Fence | null = null,
): Evaluated {
  const { ifVersion, merge } = write;
  const version = current.deleted ? 0 : current.version;
  const isNewest = ifVersion === undefined || ifVersion === version;
  const fences = fence === null ? current.fences : withFence(path, current.fences, fence);
  if (!isNewest && (merge === undefined || base === null))
    throw outdated(path, write, version, base === null && merge !== undefined);
  const theirs = current.deleted ? undefined : current.content;
  if (write.kind === "delete") {
    if (version === 0) throw noDocument(path);
    return { content: undefined, text: null, bytes: 0, merged: false, fences };
  }
  const yours = apply(path, write, isNewest ? theirs : base?.content);
  if (isNewest) return { content: yours, ...contentText(path, yours), merged: false, fences };
  const joined = mergeThreeWay(base?.content, yours, theirs);
  if (joined.conflicts.length > 0) throw unresolved(path, version, current, base as Base, yours, joined);
  return { content: joined.value, ...contentText(path, joined.value), merged: true, fences };
}

/** What a write makes of the content that it was made for. */
export function apply(path: string, { kind, body }: StateWrite, content: Json | undefined): Json {
  if (kind === "put") return body as Json;
  if (kind === "merge-patch") return applyMergePatch(content, body as Json);
  if (content === undefined) throw noDocument(path);
  try {
    const patched = applyJsonPatch(content, checkJsonPatch(body));
    if (patched !== undefined) return patched;
  } catch (error) {
    if (!(error instanceof PatchMismatch)) throw error;
    throw new MusterError(
      "conflict",
      `Operation ${error.operation} of the JSON Patch does not fit ${path}: ${error.message}.`,
      { hint: "Nothing was changed. Read the document again and make the patch for what it is now." },
    );
  }
  throw new MusterError("invalid_request", "The JSON Patch leaves nothing of the document.", {
    hint: "DELETE removes it.",
  });
}

/** The JSON text of a content, within its bounds. */
function contentText(path: string, content: Json | undefined): { text: string; bytes: number } {
  if (content === undefined || content === null) {
    throw new MusterError("invalid_request", `The content of ${path} is nothing, or null.`, {
      hint: "Any other JSON value will do; DELETE removes the document.",
    });
  }
  const text = payloadText(content, `The content of ${path}`);
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= limits.stateDocumentBytes) return { text, bytes };
  throw new MusterError(
    "payload_too_large",
    `The content of ${path} takes ${bytes} bytes; ${limits.stateDocumentBytes} are allowed.`,
    { hint: "Split it into several documents, or keep large data in an artifact and its key here." },
  );
}

function withFence(
  path: string,
  fences: Readonly<Record<string, number>>,
  { name, fence }: Fence,
): Record<string, number> {
  const seen = Object.hasOwn(fences, name) ? (fences[name] as number) : 0;
  if (fence < seen) {
    throw new MusterError(
      "lock_lost",
      `The grant ${fence} of the lock ${name} is over: ${path} was written under grant ${seen}.`,
      { hint: "Somebody else got the lock since. Get it again, and read the document before writing." },
    );
  }
  if (seen === 0 && Object.keys(fences).length >= limits.stateLocksPerDocument) {
    throw new MusterError(
      "limit_exceeded",
      `${path} was written under ${limits.stateLocksPerDocument} different locks, and remembers no more.`,
      { hint: "Guard one document with one lock." },
    );
  }
  return Object.fromEntries([...Object.entries(fences), [name, fence]]);
}

const shown = (version: number): string => (version === 0 ? "there is none" : `it is version ${version} now`);

/** Which refusals are worth the sides of the conflict, added by whoever can read them. */
export const isOutdated = (error: MusterError): boolean =>
  error.code === "precondition_failed" && error.details === undefined;

function outdated(path: string, { ifVersion }: StateWrite, version: number, noBase: boolean): MusterError {
  const wanted = ifVersion === 0 ? "there should be none" : `the write was made for version ${ifVersion}`;
  return new MusterError("precondition_failed", `${path} has changed: ${wanted}, and ${shown(version)}.`, {
    hint: noBase
      ? `Version ${ifVersion} is not kept any more, so nothing can be merged. Read the document and write again.`
      : "Read the document and write again, or ask for a three-way merge (--merge, merge=three-way).",
  });
}

function unresolved(
  path: string,
  version: number,
  current: Current,
  base: Base,
  yours: Json,
  { conflicts }: Merged,
): MusterError {
  const places = conflicts.map((conflict) => conflict.path || "the root");
  const details: StateConflict = {
    path,
    version: version === 0 ? null : version,
    yours,
    ...(current.deleted || current.content === undefined ? {} : { theirs: current.content }),
    base: { version: base.version, ...(base.content === undefined ? {} : { content: base.content }) },
    conflicts,
  };
  return new MusterError(
    "conflict",
    `${path} was changed differently at ${places.slice(0, 5).join(", ")}${places.length > 5 ? ` and ${places.length - 5} more places` : ""}; ${shown(version)}.`,
    {
      hint: "Nothing was written. Decide for each of these places, and write again for the newest version.",
      details: { ...details },
    },
  );
}

export const noDocument = (path: string): MusterError =>
  new MusterError("not_found", `There is no document ${path}.`, {
    hint: "GET /v1/state/<project> lists what there is.",
  });
