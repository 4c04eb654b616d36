import { limits } from "@muster/sdk/protocol";
import Type from "typebox";

const longestEveryMs = 31 * 24 * 3_600_000;

/** How many backups of one kind are kept. */
const kept = (variable: string, period: string, fallback: number, example: string) =>
  Type.Integer({
    minimum: 0,
    maximum: 1_000,
    default: fallback,
    variable,
    description: `The newest backup of each of so many ${period} is kept.`,
    example,
    scope: "server",
  });

/** The settings of backups: members of the one schema. */
export const backupSettings = {
  backupTo: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1_000,
      variable: "MUSTER_BACKUP_TO",
      description: "A folder or a bucket (s3://…) for backups, best on another disk or in another place.",
      example: "s3://muster-backups/production?region=eu-1",
      otherwise: "where other files are",
    }),
  ),
  backupKey: Type.Optional(
    Type.String({
      minLength: 16,
      maxLength: 1_000,
      variable: "MUSTER_BACKUP_KEY",
      description: "Encrypts backups and opens them: 64 hexadecimal digits, or a passphrase.",
      example: "the output of: openssl rand -hex 32",
      secret: "whole",
      otherwise: "backups are not encrypted",
    }),
  ),
  backupKeyFile: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1_000,
      variable: "MUSTER_BACKUP_KEY_FILE",
      description: "The file that holds this key, instead of the variable.",
      example: "/run/secrets/backup-key",
    }),
  ),
  backupEveryMs: Type.Integer({
    minimum: 0,
    maximum: longestEveryMs,
    default: 0,
    variable: "MUSTER_BACKUP_EVERY_MS",
    description: "How often a backup is made by itself, at full multiples of it (UTC); 0: never.",
    example: "3600000",
    scope: "server",
  }),
  backupCron: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: limits.cronLength,
      variable: "MUSTER_BACKUP_CRON",
      description: "The cron line by which backups are made instead.",
      example: "30 3 * * *",
      scope: "server",
    }),
  ),
  backupTimezone: Type.String({
    minLength: 1,
    maxLength: 64,
    default: "UTC",
    variable: "MUSTER_BACKUP_TIMEZONE",
    description: "The time zone in which that line is meant.",
    example: "Europe/Berlin",
    scope: "server",
  }),
  backupVerify: Type.Boolean({
    default: true,
    variable: "MUSTER_BACKUP_VERIFY",
    description: "Whether each of those is restored for a trial.",
    example: "false",
    scope: "server",
  }),
  backupKeepHourly: kept("MUSTER_BACKUP_KEEP_HOURLY", "hours", 24, "48"),
  backupKeepDaily: kept("MUSTER_BACKUP_KEEP_DAILY", "days", 7, "14"),
  backupKeepWeekly: kept("MUSTER_BACKUP_KEEP_WEEKLY", "weeks", 5, "12"),
};
