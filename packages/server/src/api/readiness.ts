/** Each thing that a node works with, by its name: rejects where it is not there now. */
export type ReadinessChecks = Readonly<Record<string, () => Promise<void>>>;

export interface Finding {
  name: string;
  ok: boolean;
  /** Without it a node can answer nothing; without the others it takes and shows work, and hands it on later. */
  needed: boolean;
  /** Why not, in words that may be shown to anybody. */
  reason?: string;
  /** How long the answer took, in milliseconds. */
  tookMs: number;
}

export type Readiness = () => Promise<readonly Finding[]>;

/** A server that does not answer for this long is away. */
const patienceMs = 2_000;
/** Probes come often and from many places; within this time they share one answer. */
const freshMs = 1_000;

/** Asks everything that a node works with whether it is there: all at once, for a bounded time, and not too often. */
export function createReadiness(needed: ReadinessChecks, helpful: ReadinessChecks = {}): Readiness {
  let latest: Promise<readonly Finding[]> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (latest === undefined || now - askedAt > freshMs) {
      askedAt = now;
      latest = Promise.all([
        ...Object.entries(needed).map(([name, check]) => look(name, check, true)),
        ...Object.entries(helpful).map(([name, check]) => look(name, check, false)),
      ]);
    }
    return latest;
  };
}

async function look(name: string, check: () => Promise<void>, needed: boolean): Promise<Finding> {
  const began = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`did not answer within ${patienceMs} ms`), patienceMs);
  });
  // What went wrong may name addresses and users; those are for the log, not for whoever asks.
  const answered = Promise.resolve()
    .then(check)
    .then(
      () => undefined,
      () => "can't be reached",
    );
  const reason = await Promise.race([answered, late]);
  clearTimeout(timer);
  const tookMs = Math.round(performance.now() - began);
  return { name, ok: reason === undefined, needed, tookMs, ...(reason === undefined ? {} : { reason }) };
}
