/** What this process measured of a model: how fast it answers and how often it does. */
export interface Performance {
  /** What an answer of some hundred tokens would take; null: not measured of late. */
  expectedMs(name: string): number | null;
  /** The share of the last calls that were answered, in [0, 1]; newer ones count more. */
  health(name: string): number;
  answered(name: string, call: { firstMs: number; totalMs: number; outputTokens: number }): void;
  failed(name: string): void;
}

interface Measure {
  firstMs: number | null;
  tokenMs: number | null;
  health: number;
  failedAt: number;
  at: number;
}

/** How much the newest call counts. */
const weight = 0.3;
const tokensOfAnswer = 300;
/** What was measured longer ago says nothing any more, so that a model that was slow once is tried again. */
const forgetAfterMs = 600_000;
/** Failures are forgotten sooner: the breaker is for those that last. */
const forgetFailuresAfterMs = 30_000;
const mostMeasured = 500;

export function createPerformance({ now }: { now: () => number }): Performance {
  const measures = new Map<string, Measure>();

  const of = (name: string): Measure | undefined => {
    const known = measures.get(name);
    return known !== undefined && now() - known.at < forgetAfterMs ? known : undefined;
  };

  function put(name: string, measure: Measure): void {
    measures.delete(name);
    measures.set(name, measure);
    if (measures.size > mostMeasured) measures.delete(measures.keys().next().value as string);
  }

  function health(name: string): number {
    const known = of(name);
    return known === undefined || now() - known.failedAt >= forgetFailuresAfterMs ? 1 : known.health;
  }

  return {
    expectedMs(name) {
      const known = of(name);
      if (known === undefined || known.firstMs === null || known.tokenMs === null) return null;
      return known.firstMs + tokensOfAnswer * known.tokenMs;
    },
    health,
    answered(name, { firstMs, totalMs, outputTokens }) {
      const known = of(name);
      const tokenMs = Math.max(0, totalMs - firstMs) / Math.max(1, outputTokens);
      put(name, {
        firstMs: blend(known?.firstMs, firstMs),
        tokenMs: blend(known?.tokenMs, tokenMs),
        health: blend(health(name), 1),
        failedAt: known?.failedAt ?? Number.NEGATIVE_INFINITY,
        at: now(),
      });
    },
    failed(name) {
      const known = of(name) ?? { firstMs: null, tokenMs: null };
      put(name, { ...known, health: blend(health(name), 0), failedAt: now(), at: now() });
    },
  };
}

const blend = (known: number | null | undefined, next: number): number =>
  known === null || known === undefined ? next : known + weight * (next - known);
