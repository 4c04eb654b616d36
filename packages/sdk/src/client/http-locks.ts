import type { Clock } from "../time/clock.ts";
import type { Calls } from "./create-client.ts";
import { createKey } from "./idempotency-keys.ts";
import { createLockHands, type LockClient } from "./lock-client.ts";

/** Locks over HTTP. */
export const createHttpLocks = ({ get, poll, postSafely, remove }: Calls, clock?: Clock): LockClient => ({
  ...createLockHands(
    {
      acquire: (request, signal) => poll("/v1/locks/acquire", request, request.waitMs ?? 0, signal),
      renew: (request) => postSafely("/v1/locks/renew", request),
      release: (grant) => postSafely("/v1/locks/release", grant),
    },
    createKey,
    clock,
  ),
  list: (filter = {}) => get("/v1/locks", { ...filter }),
  get: (name) => get(`/v1/locks/${encodeURIComponent(name)}`),
  forceRelease: (name) => remove(`/v1/locks/${encodeURIComponent(name)}`),
});
