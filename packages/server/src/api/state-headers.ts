import { MusterError, type StateDocument, type StateWrite } from "@muster/sdk/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";

/** The version of a state document as its ETag. */
export const etagOf = ({ version }: { version: number }): string => `"${version}"`;

/** Everything that is known of a document beside its content. Names may hold what no header can, so they are encoded. */
export function describeDocument(reply: FastifyReply, document: StateDocument): FastifyReply {
  return reply
    .header("etag", etagOf(document))
    .header("last-modified", new Date(document.writtenAt).toUTCString())
    .header("muster-version", document.version)
    .header("muster-bytes", document.bytes)
    .header("muster-written-at", document.writtenAt)
    .header("muster-written-by", encodeURIComponent(document.writtenBy));
}

/** The version that a write was made for, by its conditional headers (RFC 9110). Undefined: whatever is there. */
export function versionWanted({ headers }: FastifyRequest): Pick<StateWrite, "ifVersion"> {
  const { "if-match": match, "if-none-match": noneMatch } = headers;
  if (match !== undefined && noneMatch !== undefined) throw notUnderstood("if-match and if-none-match");
  if (noneMatch !== undefined) {
    if (noneMatch === "*") return { ifVersion: 0 };
    throw notUnderstood("if-none-match");
  }
  if (match === undefined) return {};
  const version = Number(/^"([1-9]\d{0,15})"$/.exec(match)?.[1]);
  if (!Number.isSafeInteger(version)) throw notUnderstood("if-match");
  return { ifVersion: version };
}

const notUnderstood = (name: string): MusterError =>
  new MusterError("invalid_request", `The header ${name} is not understood here.`, {
    hint: 'Send one of them: if-match: "<version>" for a version that was read, or if-none-match: * for a new document.',
  });
