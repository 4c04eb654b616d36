/** At most `points` in `perMs`, counted in windows: one begins with the first point, and ends after `perMs`. */
export interface RateLimit {
  points: number;
  perMs: number;
}

export interface RateDecision {
  allowed: boolean;
  /** Points left in this window. */
  remaining: number;
  /** When it is worth trying again; 0 where it was allowed. */
  retryAfterMs: number;
}

/** Counts what somebody does, over all nodes. Where the shared count can't be reached, each node counts alone. */
export interface RateLimits {
  /**
   * Takes points (1), all of them or none: what is refused does not count. 0 takes nothing and says whether one more
   * point would be allowed.
   */
  take(key: string, limit: RateLimit, points?: number): Promise<RateDecision>;
  close(): Promise<void>;
}
