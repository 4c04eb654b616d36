import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Config } from "../config/config-schema.ts";
import type { CliContext } from "./cli-context.ts";
import { CliError } from "./cli-error.ts";

const leastKeyCharacters = 16;

/** The key for backups: from the variable or the file that is named, and never from the command line. */
async function readBackupKey(context: CliContext, config: Config): Promise<string | undefined> {
  const { backupKey, backupKeyFile } = config;
  if (backupKeyFile === undefined) return backupKey;
  if (backupKey !== undefined)
    throw new CliError("there are MUSTER_BACKUP_KEY and MUSTER_BACKUP_KEY_FILE", {
      hint: "Set one of them.",
    });
  const path = resolve(context.cwd, backupKeyFile);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`the file of the backup key can't be read: ${error.message}`, {
      hint: "MUSTER_BACKUP_KEY_FILE names it.",
    });
  });
  if (text.trim().length < leastKeyCharacters)
    throw new CliError(`${backupKeyFile} holds no key of ${leastKeyCharacters} characters or more`, {
      hint: "Make one with: openssl rand -hex 32",
    });
  return text.trim();
}

/** What of the configuration an orchestrator wants to know about backups. */
export async function backupOptions(context: CliContext, config: Config) {
  const { backupTo, backupEveryMs, backupCron, backupTimezone, backupVerify } = config;
  const { backupKeepHourly: hourly, backupKeepDaily: daily, backupKeepWeekly: weekly } = config;
  return {
    place: { backupTo, backupKey: await readBackupKey(context, config) },
    settings: {
      everyMs: backupEveryMs,
      cron: backupCron,
      timezone: backupTimezone,
      verify: backupVerify,
      retention: { hourly, daily, weekly },
    },
  };
}
