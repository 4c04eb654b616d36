import type { Clock } from "../../../ports/clock.ts";
import type { RateLimits } from "../../../ports/rate-limits.ts";

interface Window {
  taken: number;
  endsAt: number;
}

/** Windows kept; with more, those that began longest ago are forgotten. */
const mostWindows = 20_000;

/** Rate limits of a node that counts alone. */
export function createInMemoryRateLimits({ clock }: { clock: Clock }): RateLimits {
  const windows = new Map<string, Window>();

  function open(name: string, endsAt: number): Window {
    const window = { taken: 0, endsAt };
    windows.delete(name);
    windows.set(name, window);
    if (windows.size > mostWindows) windows.delete(windows.keys().next().value as string);
    return window;
  }

  return {
    async take(key, { points: most, perMs }, points = 1) {
      const now = clock.now();
      const name = `${perMs} ${key}`;
      const known = windows.get(name);
      const current = known !== undefined && known.endsAt > now ? known : { taken: 0, endsAt: now + perMs };
      if (current.taken + Math.max(points, 1) > most) {
        const remaining = Math.max(0, most - current.taken);
        return { allowed: false, remaining, retryAfterMs: current.endsAt - now };
      }
      const window = points > 0 && current !== known ? open(name, current.endsAt) : current;
      window.taken += points;
      return { allowed: true, remaining: most - window.taken, retryAfterMs: 0 };
    },
    async close() {
      windows.clear();
    },
  };
}
