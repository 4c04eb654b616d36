import { createHash } from "node:crypto";
import { constants, type FileHandle, open } from "node:fs/promises";
import type { BlobInfo } from "../../../ports/blob-store.ts";
import { damaged } from "../verified-body.ts";

/*
 * One file holds a blob and what is known of it, so that the two can't disagree, whatever breaks:
 *
 *     content | facts, as JSON | SHA-256 of the facts, first 16 bytes | their length, 4 bytes | "MUSTERB1"
 *
 * The content comes first, since neither its size nor its sum is known before it was written.
 */

const mark = Buffer.from("MUSTERB1");
const digestBytes = 16;
const footerBytes = digestBytes + 4 + mark.length;
/** A key, a content type and three numbers fit well. */
const mostFactBytes = 2_048;

const digestOf = (facts: Uint8Array): Buffer =>
  createHash("sha256").update(facts).digest().subarray(0, digestBytes);

/** What follows the content in the file. */
export function trailerOf(info: BlobInfo): Buffer {
  const facts = Buffer.from(JSON.stringify(info));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(facts.length);
  return Buffer.concat([facts, digestOf(facts), length, mark]);
}

/** Opens for reading without following a link and without waiting for the other end of a pipe. */
export const openBlob = (path: string): Promise<FileHandle> =>
  open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);

/** What is known of the blob in an open file; `content_damaged` where it is no blob with this key. */
export async function readInfo(file: FileHandle, key: string): Promise<BlobInfo> {
  const stats = await file.stat();
  if (!stats.isFile()) throw damaged(key);
  const tail = await readTail(file, stats.size);
  const footer = tail.subarray(-footerBytes);
  if (footer.length < footerBytes || !footer.subarray(digestBytes + 4).equals(mark)) throw damaged(key);
  const factBytes = footer.readUInt32BE(digestBytes);
  const facts = tail.subarray(-footerBytes - factBytes, -footerBytes);
  if (facts.length !== factBytes || !digestOf(facts).equals(footer.subarray(0, digestBytes)))
    throw damaged(key);
  const info = JSON.parse(facts.toString()) as BlobInfo;
  if (info.key !== key || info.bytes + factBytes + footerBytes !== stats.size) throw damaged(key);
  return info;
}

async function readTail(file: FileHandle, size: number): Promise<Buffer> {
  const length = Math.min(size, mostFactBytes + footerBytes);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
  return buffer.subarray(0, bytesRead);
}

const chunkBytes = 256 * 1024;

/** Bytes of an open file from `start` on, not beyond `end`; none where the file is over. */
export async function readChunk(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const wanted = Math.min(chunkBytes, end - start);
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, start);
  return buffer.subarray(0, bytesRead);
}
