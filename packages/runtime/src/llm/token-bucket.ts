/**
 * A limit per minute as a bucket that fills itself all the time. So within any stretch of time no more is taken than the
 * bucket holds and what flows in meanwhile. It may owe: what a call really used is known only afterwards, and a
 * call that needs more than the bucket holds waits until it is full and takes it into debt, else it would wait for ever.
 */
export interface TokenBucket {
  level: number;
  at: number;
}

const minuteMs = 60_000;
/** Debt is forgotten beyond this many minutes, so that one huge call can't stop all others for long. */
const mostDebtMinutes = 3;

const filled = (bucket: TokenBucket | undefined, perMinute: number, now: number): TokenBucket => {
  if (bucket === undefined) return { level: perMinute, at: now };
  const flown = (Math.max(0, now - bucket.at) * perMinute) / minuteMs;
  return { level: Math.min(perMinute, bucket.level + flown), at: Math.max(now, bucket.at) };
};

/** How long to wait until `amount` can be taken; 0: now. */
export function waitMsFor(
  bucket: TokenBucket | undefined,
  amount: number,
  perMinute: number,
  now: number,
): number {
  const missing = Math.min(amount, perMinute) - filled(bucket, perMinute, now).level;
  return missing <= 0 ? 0 : Math.ceil((missing * minuteMs) / perMinute);
}

/** Takes an amount, of what flows in later if need be; gives it back where it is negative. */
export function takeFrom(
  bucket: TokenBucket | undefined,
  amount: number,
  perMinute: number,
  now: number,
): TokenBucket {
  const { level, at } = filled(bucket, perMinute, now);
  return { level: Math.min(perMinute, level - amount), at };
}

/** Takes what turned out to be used beyond what was taken, or gives back what was not; debt is bounded. */
export function correct(
  bucket: TokenBucket | undefined,
  amount: number,
  perMinute: number,
  now: number,
): TokenBucket {
  const before = filled(bucket, perMinute, now);
  const { level, at } = takeFrom(bucket, amount, perMinute, now);
  return { level: Math.max(level, Math.min(before.level, -mostDebtMinutes * perMinute)), at };
}
