import type { FastifyReply } from "fastify";
import type { Closing } from "./closing.ts";

/**
 * An answer that may take long. It ends early in two cases: the client went away, then nobody reads it any
 * more; or the server closes, then the client gets what there is.
 */
export async function longWait<T>(
  reply: FastifyReply,
  closing: Closing,
  wait: (signal: AbortSignal) => Promise<T>,
  current: () => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { promise: stopped, resolve: stop } = deferred();
  const end = () => {
    stop();
    controller.abort();
  };
  const forget = closing.onBegin(end);
  // Not `request.signal`: a request also closes when its body was read to the end.
  reply.raw.once("close", end);
  try {
    const waited = wait(controller.signal).then((value) => ({ value }));
    waited.catch(() => {}); // how it ends does not matter once it was stopped
    const result = await Promise.race([waited, stopped]);
    return result === undefined ? await current() : result.value;
  } finally {
    forget();
    reply.raw.off("close", end);
  }
}

function deferred(): { promise: Promise<undefined>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<undefined>((done) => {
    resolve = () => done(undefined);
  });
  return { promise, resolve };
}
