import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { Readable } from "node:stream";
import { limits } from "@muster/sdk/protocol";

/*
 * A request can be refused while its body is still arriving. Bodies up to the size of JSON are read to their end
 * and their connections go on. Behind others there may be any amount more, so their connection is closed; but whoever
 * closes one on unread bytes resets it, and the client would never see the answer. So the answer, whole by its length, goes
 * out at once, and its connection is held a little longer, for the client to read it and to stop sending.
 */

/** How long a client may go on sending after its answer. */
const lingerMs = 5_000;
/** And how much. */
const lingerBytes = 64 * 1024 * 1024;
/** One that is silent for this long has stopped: nothing is on its way that could be lost. */
const silenceMs = 500;

/** Whether an answer now comes before the end of a request that may be long. */
export function isEarly(request: IncomingMessage): boolean {
  // A request of a test that comes by no network is there as a whole.
  if (request.complete || !(request.socket instanceof Socket) || request.method === "HEAD") return false;
  const { "content-length": length = "0", "transfer-encoding": encoding } = request.headers;
  return encoding !== undefined || Number(length) > limits.bodyBytes;
}

/** Gives out `body`, and ends when the request is over or has had its time. */
export function answerEarly(request: IncomingMessage, body: string): Readable {
  const answer = async function* () {
    yield Buffer.from(body);
    await overOrLate(request);
  };
  return Readable.from(answer(), { objectMode: false });
}

function overOrLate(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    const end = setTimeout(done, lingerMs).unref();
    const silence = setTimeout(done, silenceMs).unref();
    function count(chunk: Uint8Array): void {
      silence.refresh();
      bytes += chunk.byteLength;
      if (bytes > lingerBytes) done();
    }
    function done(): void {
      clearTimeout(end);
      clearTimeout(silence);
      request.off("data", count);
      resolve();
    }
    for (const over of ["end", "close", "error"]) request.once(over, done);
    if (request.complete || request.destroyed) done();
    else request.on("data", count).resume();
  });
}
