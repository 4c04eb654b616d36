import rateLimit from "@fastify/rate-limit";
import { MusterError } from "@muster/sdk/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/** How often is too often, per minute. Counted in memory, by each server process for itself. */
export interface RateLimits {
  /** Requests with one key or session. */
  requestsPerKey: number;
  /** Failed attempts to authenticate from one address. Good keys still work from there. */
  failuresPerAddress: number;
}

export const defaultRateLimits: RateLimits = { requestsPerKey: 120_000, failuresPerAddress: 30 };

export interface Throttle {
  /** Counts a request of one caller (a digest of its key); throws `rate_limited` when there were too many. */
  countRequest(request: FastifyRequest, reply: FastifyReply, caller: string): Promise<void>;
  /** Throws `rate_limited` when there were too many failures from this address. Counts nothing. */
  refuseGuessing(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  countFailure(request: FastifyRequest): Promise<void>;
}

/** Each limit remembers at most 5,000 callers; beyond that, the longest unused are forgotten. */
export async function createThrottle(app: FastifyInstance, limits: RateLimits): Promise<Throttle> {
  await app.register(rateLimit, { global: false });
  const callers = new WeakMap<FastifyRequest, string>();
  const requests = app.createRateLimit({
    max: limits.requestsPerKey,
    timeWindow: 60_000,
    keyGenerator: (request) => callers.get(request) ?? "",
  });
  const failures = app.createRateLimit({ max: limits.failuresPerAddress, timeWindow: 60_000 });

  return {
    async countRequest(request, reply, caller) {
      callers.set(request, caller);
      const count = await requests(request);
      if (!count.isAllowed && count.isExceeded)
        throw tooMany(reply, count.ttlInSeconds, "requests with this key");
    },
    async refuseGuessing(request, reply) {
      if (hasNoAddress(request)) return;
      const count = await failures(request, { increment: false });
      if (!count.isAllowed && count.remaining === 0) {
        throw tooMany(reply, count.ttlInSeconds, "failed attempts to authenticate from this address");
      }
    },
    async countFailure(request) {
      if (!hasNoAddress(request)) await failures(request);
    },
  };
}

/** The address of a connection that is already closed can't be asked for any more. */
const hasNoAddress = (request: FastifyRequest): boolean => request.ip === undefined;

function tooMany(reply: FastifyReply, seconds: number, what: string): MusterError {
  reply.header("retry-after", String(Math.max(1, seconds)));
  return new MusterError("rate_limited", `There were too many ${what} within a minute.`, {
    hint: `Try again in ${Math.max(1, seconds)} s.`,
  });
}
