import { createKey } from "../client/idempotency-keys.ts";
import { createLockHands, type LockHands } from "../client/lock-client.ts";
import type { Clock } from "../time/clock.ts";
import type { Attempt } from "./attempt.ts";

/** Locks that an attempt takes. Each call proves the lease that the attempt has at that moment. */
export const createAttemptLocks = (attempt: Attempt, clock: Clock): LockHands =>
  createLockHands(
    {
      acquire: async (request) => (await attempt.call("lock", request)).answer,
      renew: async (request) => (await attempt.call("renewLock", request)).answer,
      release: async (grant) => (await attempt.call("unlock", grant)).answer,
    },
    createKey,
    clock,
  );
