/** One measure of a cluster at work, taken again and again. */
export interface Measure {
  name: string;
  unit: string;
  /** Growth that is no leak: caches fill, garbage is collected late. In the unit. */
  slack: number;
}

export interface Trend extends Measure {
  /** The medians of the third and the last quarter of the time. */
  third: number;
  last: number;
  most: number;
  grows: boolean;
}

/** Growth from one quarter to the next that is no noise. */
const tolerance = 0.2;

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/**
 * Compares the third quarter of the time with the last: by then everything that fills up has filled up. Medians, since
 * faults make single values say nothing.
 */
export function findTrend(measure: Measure, values: readonly number[]): Trend {
  const quarter = Math.floor(values.length / 4);
  const third = median(values.slice(-2 * quarter, -quarter || undefined));
  const last = median(values.slice(-quarter || undefined));
  const grows = last - third > measure.slack && last > third * (1 + tolerance);
  return { ...measure, third, last, most: Math.max(0, ...values), grows };
}
