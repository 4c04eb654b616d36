import { Socket } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { answerUnreadable } from "./problems.ts";

/** Sees to it that requests arrive in time. */
export interface ReadingLimit {
  /** This request may take as long as its connection does not fall silent: it is a file. */
  lift(request: FastifyRequest): void;
}

/**
 * Node's own limit holds for every request of a server alike, and files take longer than JSON may. So Node's is that
 * of files, and here all requests get that of JSON, until their route lifts it.
 */
export function limitReading(app: FastifyInstance, readMs: number): ReadingLimit {
  const timers = new WeakMap<object, NodeJS.Timeout>();
  const stop = ({ raw }: FastifyRequest) => clearTimeout(timers.get(raw));
  app.addHook("onRequest", async (request) => {
    const { raw } = request;
    const { "content-length": length = "0", "transfer-encoding": encoding } = raw.headers;
    // A request of a test that comes by no network is there as a whole.
    if ((length === "0" && encoding === undefined) || !(raw.socket instanceof Socket)) return;
    const late = () => {
      if (!raw.complete)
        answerUnreadable(Object.assign(new Error(), { code: "ERR_HTTP_REQUEST_TIMEOUT" }), raw.socket);
    };
    timers.set(raw, setTimeout(late, readMs).unref());
    raw.once("close", () => stop(request));
  });
  return { lift: stop };
}
