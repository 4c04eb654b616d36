import { MusterError } from "@muster/sdk/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { RateDecision, RateLimits } from "../ports/rate-limits.ts";

/** How often is too often, per minute, on all nodes together. */
export interface RequestLimits {
  /** Requests with one key or session. */
  requestsPerKey: number;
  /** Failed attempts to authenticate from one address. Good keys still work from there. */
  failuresPerAddress: number;
}

export const defaultRequestLimits: RequestLimits = { requestsPerKey: 120_000, failuresPerAddress: 30 };

export interface Throttle {
  /** Counts a request of one caller (a digest of its key); throws `rate_limited` when there were too many. */
  countRequest(reply: FastifyReply, caller: string): Promise<void>;
  /** Throws `rate_limited` when there were too many failures from this address. Counts nothing. */
  refuseGuessing(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  countFailure(request: FastifyRequest): Promise<void>;
}

const minuteMs = 60_000;

export function createThrottle(rateLimits: RateLimits, limits: RequestLimits): Throttle {
  const requests = { points: limits.requestsPerKey, perMs: minuteMs };
  const failures = { points: limits.failuresPerAddress, perMs: minuteMs };

  return {
    async countRequest(reply, caller) {
      const decision = await rateLimits.take(`requests:${caller}`, requests);
      if (!decision.allowed) throw tooMany(reply, decision, "requests with this key");
    },
    async refuseGuessing({ ip }, reply) {
      if (ip === undefined) return;
      const decision = await rateLimits.take(`failures:${ip}`, failures, 0);
      const what = "failed attempts to authenticate from this address";
      if (!decision.allowed) throw tooMany(reply, decision, what);
    },
    async countFailure({ ip }) {
      // The address of a connection that is already closed can't be asked for any more.
      if (ip !== undefined) await rateLimits.take(`failures:${ip}`, failures);
    },
  };
}

function tooMany(reply: FastifyReply, { retryAfterMs }: RateDecision, what: string): MusterError {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  reply.header("retry-after", String(seconds));
  return new MusterError("rate_limited", `There were too many ${what} within a minute.`, {
    hint: `Try again in ${seconds} s.`,
  });
}
