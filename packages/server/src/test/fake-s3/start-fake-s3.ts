/*
 * A server that speaks S3 as far as Muster does, more strictly than most: signatures, checksums, the sizes of parts
 * and the order of listings are checked as Amazon's documents have them, and what it does not know it refuses. It
 * keeps everything in memory, and breaks in ways that a test asks for.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { BucketContent } from "./bucket-content.ts";
import type { Fault } from "./fault.ts";
import { readPayload } from "./read-payload.ts";
import { operationOf, operations, type S3Answer, type S3Operation } from "./s3-operations.ts";
import { refusalXml, S3Refusal } from "./s3-refusal.ts";
import { sendAnswer } from "./send-answer.ts";
import { verifySignature } from "./verify-signature.ts";

export interface FakeS3Options {
  region?: string;
  /** Most objects or uploads in one page of a listing. */
  pageKeys?: number;
  honoursConditions?: boolean;
}

export interface FakeS3 {
  /** For S3_URL, with key and secret; `prefix` goes behind the bucket. */
  url(prefix?: string, parameters?: Record<string, string>): string;
  endpoint: string;
  bucket: BucketContent;
  /** Everything that was asked for, in order. */
  calls: { operation: S3Operation; key: string }[];
  faults: Fault[];
  /** Bytes of content that went out, as far as clients took them. */
  sent: { bytes: number; onStalled: () => void };
  /** Moves the server's clock. */
  advance(ms: number): void;
  close(): Promise<void>;
}

const bucketName = "muster-test";
const accessKey = "MUSTERTESTKEY";
const secret = "not/a+secret=";

export async function startFakeS3(options: FakeS3Options = {}): Promise<FakeS3> {
  const { region = "us-east-1", pageKeys = 1_000, honoursConditions = true } = options;
  const bucket: BucketContent = { objects: new Map(), uploads: new Map() };
  const calls: FakeS3["calls"] = [];
  const faults: Fault[] = [];
  const sent: FakeS3["sent"] = { bytes: 0, onStalled: () => {} };
  let aheadMs = 0;
  const now = () => Date.now() + aheadMs;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? "/", "http://fake");
    const [, inBucket = "", ...segments] = pathname.split("/").map(decodeURIComponent);
    const key = segments.join("/");
    let fault: Fault | undefined;
    let answer: S3Answer;
    try {
      const signed = verifySignature(request, { region, keys: { [accessKey]: secret }, now });
      if (inBucket !== bucketName) throw new S3Refusal(404, "NoSuchBucket", "The bucket does not exist.");
      if (Buffer.byteLength(key) > 1_024)
        throw new S3Refusal(400, "KeyTooLongError", "Your key is too long.");
      const operation = operationOf(request.method ?? "", key, query);
      calls.push({ operation, key });
      fault = takeFault(faults, operation, key);
      if (fault?.cutRequest === true) return void request.socket.destroy();
      const content = await readPayload(request, signed);
      await fault?.hold;
      if (fault?.refusal !== undefined) throw fault.refusal;
      const call = {
        bucketName,
        bucket,
        key,
        query,
        headers: request.headers,
        content,
        pageKeys,
        honoursConditions,
      };
      answer = operations[operation]({ ...call, now: now() });
    } catch (error) {
      answer = answerOf(error, pathname);
      // The rest of a body that was refused is not read.
      if (!request.complete) answer.headers.connection = "close";
    }
    answer.headers.date = new Date(now()).toUTCString();
    await sendAnswer(request, response, answer, { fault, sent });
  }

  const server = createServer((request, response) => {
    request.on("error", () => {});
    response.on("error", () => {});
    handle(request, response).catch(() => request.socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url(prefix = "", parameters = {}) {
      const login = `${accessKey}:${encodeURIComponent(secret)}`;
      const query = new URLSearchParams({ endpoint, region, pathStyle: "true", ...parameters });
      return `s3://${login}@${bucketName}/${prefix}?${query}`;
    },
    endpoint,
    bucket,
    calls,
    faults,
    sent,
    advance: (ms) => {
      aheadMs += ms;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** The first fault that this call runs into; it is used up by as many calls as it says. */
function takeFault(faults: Fault[], operation: S3Operation, key: string): Fault | undefined {
  const index = faults.findIndex((fault) => fault.operation === operation && (fault.key ?? key) === key);
  const fault = faults[index];
  if (fault === undefined) return undefined;
  const { after = 0, times = 1 } = fault;
  if (after > 0) {
    fault.after = after - 1;
    return undefined;
  }
  if (times > 1) fault.times = times - 1;
  else faults.splice(index, 1);
  return fault;
}

function answerOf(error: unknown, resource: string): S3Answer {
  const refusal = error instanceof S3Refusal ? error : new S3Refusal(500, "InternalError", String(error));
  return {
    status: refusal.status,
    headers: { "content-type": "application/xml" },
    body: Buffer.from(refusalXml(refusal, resource)),
  };
}
