import { resolve } from "node:path";
import type { Command } from "commander";
import type { CopyReport } from "../../compose/migrate-store.ts";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { dataDirOf } from "../connect/read-server-file.ts";
import { act, defineCommand, withJson } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { readCliConfig } from "../read-cli-config.ts";
import { renderTable } from "../render/table.ts";

interface Options {
  from?: string;
  to?: string;
  dryRun?: boolean;
  force?: boolean;
  json?: boolean;
}

export function addMigrateCommand(program: Command, context: CliContext): void {
  const command = defineCommand(program, "migrate", {
    summary: "move a store into a PostgreSQL server, or back",
    description:
      "Copies everything that a store holds into an empty database, and keeps it only if counts and checksums of both " +
      "sides agree. Neither may be in use meanwhile. The source stays as it is.",
    examples: [
      [
        "muster migrate --from .muster --to $DATABASE_URL --dry-run",
        "what would be copied, and whether it could",
      ],
      ["muster migrate --from .muster --to $DATABASE_URL", "from the data folder into a cluster's database"],
      ["muster migrate --from $DATABASE_URL --to .muster", "and back"],
    ],
  });
  withJson(command)
    .option("--from <store>", "a data folder, or postgres://… (default: .muster)")
    .option("--to <store>", "a data folder, or postgres://… (default: DATABASE_URL)")
    .option("--dry-run", "look and check, and change nothing")
    .option("--force", "replace what the target holds, for good");
  act<Options>(command, context, (_, options) => migrate(context, options));
}

async function migrate(context: CliContext, { json, ...options }: Options): Promise<undefined> {
  const { config } = await readCliConfig(context, {}, "node");
  const to = options.to ?? config.databaseUrl;
  if (to === undefined)
    throw new CliError("there is nothing to move the store to", {
      hint: "Name a database with --to postgres://user@host/database, or set DATABASE_URL.",
    });
  const from =
    options.from === undefined ? dataDirOf(context, config.dataDir) : placeOf(context, options.from);
  const { dryRun = false, force = false } = options;
  const onProgress = (sentence: string) => context.stderr.write(`${sentence}\n`);
  const report = await context.migrateStore({ from, to: placeOf(context, to), dryRun, force, onProgress });
  if (json) printJson(context, report);
  else context.stdout.write(describe(context, report));
  return undefined;
}

const placeOf = (context: CliContext, place: string): string =>
  /^postgres(ql)?:\/\//.test(place) ? place : resolve(context.cwd, place);

function describe({ stdout }: CliContext, { dryRun, tables, replaced }: CopyReport): string {
  const { colors } = stdout;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const shown = renderTable(
    [
      { title: "table", value: ({ name }) => name },
      { title: "rows", value: ({ rows: count }) => String(count), align: "right" },
      { title: "checksum", value: ({ checksum }) => checksum, align: "right" },
    ],
    tables,
    stdout.columns(),
    colors.dim,
  );
  const gone = replaced.map(({ name, rows: count }) => `${name} ${count}`).join(", ");
  const verb = dryRun ? "would replace" : "replaced";
  const loss = replaced.length === 0 ? "" : `${colors.yellow(`${verb} what the target held: ${gone}`)}\n`;
  const verdict = dryRun
    ? `${rows} rows would be copied. Nothing was changed.`
    : `${colors.green("✔")} ${rows} rows were copied, and both sides agree. The source is as it was.`;
  return `${shown}${loss}${verdict}\n`;
}
