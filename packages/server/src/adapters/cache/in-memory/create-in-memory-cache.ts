import type { Cache } from "../../../ports/cache.ts";
import type { Clock } from "../../../ports/clock.ts";

/** Values kept; with more, the longest unused are forgotten. */
const mostValues = 10_000;

/** A cache of one process. Values are kept as JSON, so that nobody changes what another reads. */
export function createInMemoryCache({ clock }: { clock: Clock }): Cache {
  const values = new Map<string, { text: string; endsAt: number }>();

  return {
    async get(key) {
      const found = values.get(key);
      if (found === undefined) return undefined;
      values.delete(key);
      if (found.endsAt <= clock.now()) return undefined;
      values.set(key, found);
      return JSON.parse(found.text);
    },
    async set(key, value, ttlMs) {
      values.delete(key);
      values.set(key, { text: JSON.stringify(value ?? null), endsAt: clock.now() + ttlMs });
      if (values.size > mostValues) values.delete(values.keys().next().value as string);
    },
    async delete(key) {
      values.delete(key);
    },
    async close() {
      values.clear();
    },
  };
}
