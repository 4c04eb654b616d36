import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Fault } from "./fault.ts";
import type { S3Answer } from "./s3-operations.ts";

const chunkBytes = 64 * 1024;

interface Sending {
  fault: Fault | undefined;
  sent: { bytes: number; onStalled: () => void };
}

/** Sends as fast as the client reads and no faster, with whatever is to go wrong about it. */
export async function sendAnswer(
  { method }: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: S3Answer,
  { fault, sent }: Sending,
): Promise<void> {
  const cutAfter = fault?.cutAnswerAfter ?? Number.POSITIVE_INFINITY;
  if (cutAfter < 0) return void response.destroy();
  const length = status === 204 ? {} : { "content-length": body.length };
  response.writeHead(status, { ...headers, ...length, "x-amz-request-id": "fake" });
  if (method === "HEAD") return void response.end();
  const content = fault?.wrongByteAt === undefined ? body : withWrongByte(body, fault.wrongByteAt);
  const gone = once(response, "close");
  for (let at = 0; at < Math.min(content.length, cutAfter) && !response.destroyed; at += chunkBytes) {
    const chunk = content.subarray(at, Math.min(at + chunkBytes, cutAfter));
    sent.bytes += chunk.length;
    if (response.write(chunk)) continue;
    sent.onStalled();
    await Promise.race([once(response, "drain"), gone]);
  }
  if (cutAfter >= content.length) return void response.end();
  // What was written before arrives, and then the connection ends.
  response.socket?.end(() => response.destroy());
}

function withWrongByte(body: Buffer, at: number): Buffer {
  const wrong = Buffer.from(body);
  wrong[at] = (wrong[at] as number) ^ 1;
  return wrong;
}
