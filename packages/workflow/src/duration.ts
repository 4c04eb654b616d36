const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** What a duration may look like in a workflow file: `500ms`, `30s`, `5m`, `1h30m`, `2d`. */
export const durationPattern = "^(\\d{1,9}(\\.\\d{1,3})?(ms|s|m|h|d)){1,5}$";

/** Milliseconds of a duration as a file says it: a text such as `1h30m`, or a number of seconds. */
export function parseDuration(duration: string | number): number | undefined {
  if (typeof duration === "number") return Math.round(duration * 1_000);
  if (!new RegExp(durationPattern).test(duration)) return undefined;
  let sumMs = 0;
  for (const [, count, unit] of duration.matchAll(/([\d.]+)(ms|s|m|h|d)/g)) {
    sumMs += Number(count) * unitMs[unit as keyof typeof unitMs];
  }
  return Math.round(sumMs);
}
