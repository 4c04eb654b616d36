import type { Command } from "commander";
import { backupOptions } from "../backup-settings.ts";
import type { CliContext } from "../cli-context.ts";
import { act, defineCommand, withJson } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { readCliConfig } from "../read-cli-config.ts";
import { sayOnce } from "../say-once.ts";
import { placeOf } from "./backup-text.ts";

interface Options {
  from?: string;
  to?: string;
  force?: boolean;
  json?: boolean;
}

export function addBackupRestore(backup: Command, context: CliContext): void {
  const command = defineCommand(backup, "restore <id>", {
    summary: "restore a backup into an empty data folder or database",
    description:
      "Restores a backup, whichever kind of store it is of, into an empty data folder or database that no node uses. All of " +
      "it is checked before anything is touched, and kept only if every table is what was saved. `latest` is the newest " +
      "that was verified, or the newest where none was. Keys that were revoked since then are good again.",
    examples: [
      ["muster backup restore latest --from .muster --to restored", "from one data folder into another"],
      ["muster backup restore latest --to $DATABASE_URL", "from MUSTER_BACKUP_TO or S3_URL into a database"],
      [
        "muster backup restore latest --to $DATABASE_URL --force",
        "into a new database beside it, if it is not empty",
      ],
    ],
  });
  withJson(command)
    .option(
      "--from <place>",
      "a data folder, a folder of backups, or s3://… (default: MUSTER_BACKUP_TO, S3_URL or .muster)",
    )
    .option("--to <store>", "a data folder, or postgres://… (default: DATABASE_URL or .muster)")
    .option(
      "--force",
      "where the target holds something, leave it as it is and restore into a new place beside it",
    );
  act<Options>(command, context, ([id = ""], options) => restore(context, id, options));
}

async function restore(context: CliContext, id: string, options: Options): Promise<undefined> {
  const { config } = await readCliConfig(context, {}, "node");
  const { place } = await backupOptions(context, config);
  const from = options.from ?? place.backupTo ?? config.s3Url ?? config.dataDir;
  const to = options.to ?? config.databaseUrl ?? config.dataDir;
  const { restoreStore } = await context.backups();
  const report = await restoreStore({
    from: placeOf(context, from),
    to: placeOf(context, to),
    id,
    key: place.backupKey,
    force: options.force === true,
    s3Url: config.s3Url,
    onProgress: sayOnce((sentence) => context.stderr.write(`${sentence}\n`)),
  });
  if (options.json) {
    printJson(context, report);
    return undefined;
  }
  const { colors } = context.stdout;
  const rows = report.tables.reduce((sum, table) => sum + table.rows, 0);
  const { artifacts } = report;
  const lines = [
    `${colors.green("✔")} ${report.to} is as of ${report.at}: ${rows} rows, compared with what was saved`,
    `  ${report.takenBack} tasks were in the hands of agents then and are ready again; no lease or session of that time is good`,
    "  API keys that were revoked since then are good again: look at `muster keys list`",
  ];
  if (artifacts === null) lines.push("  artifacts were not looked at: S3_URL says where they are");
  else if (artifacts.missing > 0)
    lines.push(
      colors.yellow(`  ${artifacts.missing} artifacts are not there; the backup has only their names`),
    );
  else if (artifacts.restored > 0) lines.push(`  ${artifacts.restored} artifacts were put back`);
  context.stdout.write(`${lines.join("\n")}\n`);
  return undefined;
}
