/** Numbers that operators watch, for whoever collects them. Telling one never fails and never waits. */
export interface Metrics {
  /** How many there are now. */
  gauge(name: string, value: number, labels: Readonly<Record<string, string>>): void;
  /** One more, or `by` more, of what only grows. */
  count(name: string, labels: Readonly<Record<string, string>>, by?: number): void;
}
