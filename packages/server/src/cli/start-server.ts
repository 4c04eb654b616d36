import type { Config } from "../config/config-schema.ts";
import type { MusterOptions } from "../main.ts";
import { backupOptions } from "./backup-settings.ts";
import { breakerSettings } from "./breaker-settings.ts";
import type { CliContext } from "./cli-context.ts";
import { dataDirOf } from "./connect/read-server-file.ts";
import { explainStart } from "./explain-start.ts";
import { sayOnce } from "./say-once.ts";

type Muster = Awaited<ReturnType<CliContext["startMuster"]>>;

/** Starts what `muster up` and `muster serve` have in common, as it is configured; `more` is what one of them adds. */
export async function startServer(
  context: CliContext,
  config: Config,
  more: Omit<MusterOptions, "settings" | "listen" | "dataDir">,
): Promise<Muster> {
  const { host, port, leaseMs, graceMs, retentionMs, deadRetentionMs } = config;
  const { artifactBytes, artifactRetentionMs, deadlocks } = config;
  const { embeddings, embeddingsModel, embeddingsKey } = config;
  const backup = await backupOptions(context, config);
  try {
    return await context.startMuster({
      ...more,
      ...backup.place,
      ...{ embeddings, embeddingsModel, embeddingsKey },
      dataDir: dataDirOf(context, config.dataDir),
      listen: { host, port },
      // Somebody who looks at a terminal has `muster events`; a file of logs wants to hear of everything.
      logLevel: config.logLevel ?? (context.stderr.isTTY ? "warn" : "info"),
      onProgress: sayOnce((sentence) => context.stderr.write(`${sentence}\n`)),
      settings: {
        leaseMs,
        graceMs,
        retentionMs,
        deadRetentionMs,
        artifactBytes,
        artifactRetentionMs,
        deadlocks,
        breaker: breakerSettings(config),
        backup: backup.settings,
      },
    });
  } catch (error) {
    throw explainStart(context, error, { host, port, dataDir: config.dataDir });
  }
}
