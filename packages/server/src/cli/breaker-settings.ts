import type { Config } from "../config/config-schema.ts";
import type { MusterOptions } from "../main.ts";

type BreakerSettings = NonNullable<NonNullable<MusterOptions["settings"]>["breaker"]>;

/** When breakers of agents open, as it is configured. */
export const breakerSettings = (config: Config): BreakerSettings => ({
  failures: config.breakerFailures,
  rate:
    config.breakerPercent === 0
      ? null
      : {
          share: config.breakerPercent / 100,
          windowMs: config.breakerWindowMs,
          minimumCalls: config.breakerCalls,
        },
  coolDownMs: config.breakerCoolDownMs,
  mostCoolDownMs: config.breakerMostCoolDownMs,
  timeoutsInARow: config.breakerTimeouts === 0 ? null : config.breakerTimeouts,
  countTimeouts: config.breakerCountTimeouts,
});
