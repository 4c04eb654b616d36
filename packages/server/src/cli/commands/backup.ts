import type { Client } from "@muster/sdk";
import type { BackupJob } from "@muster/sdk/protocol";
import { type Command, Option } from "commander";
import { backupOptions } from "../backup-settings.ts";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { type Connection, type ConnectOptions, connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand, defineGroup, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { readCliConfig } from "../read-cli-config.ts";
import { sayOnce } from "../say-once.ts";
import { addBackupRestore } from "./backup-restore.ts";
import { describeBackup, listText, placeOf } from "./backup-text.ts";

type Options = ConnectOptions & { json?: boolean; from?: string };

/** Between two questions how far it is. */
const askMs = 1_000;

export function addBackupCommand(program: Command, context: CliContext): void {
  const backup = defineGroup(program, "backup", "make, check and restore backups of everything");
  addCreate(backup, context);
  addList(backup, context);
  addShow(backup, context);
  addVerify(backup, context);
  addBackupRestore(backup, context);
  addPrune(backup, context);
}

const withPlace = (command: Command): Command =>
  withServer(withJson(command)).option(
    "--from <place>",
    "look there and ask no server: a data folder, a folder of backups, or s3://…",
  );

/** The server, or the store in the data folder where none runs. */
async function open(context: CliContext, options: ConnectOptions): Promise<Connection> {
  const { config } = await readCliConfig(context, {}, "server");
  const { place, settings } = await backupOptions(context, config);
  return connectOrOpen(context, options, { ...place, settings: { backup: settings } });
}

function addCreate(backup: Command, context: CliContext): void {
  const command = defineCommand(backup, "create", {
    summary: "write a backup while work goes on",
    description:
      "Writes everything that the store holds at one moment into a backup, and waits until it is done. It is encrypted " +
      "where the server has MUSTER_BACKUP_KEY.",
    examples: [
      ["muster backup create", "and `muster backup verify` tries it"],
      ["muster backup create --encrypt --with-artifacts", "fails without a key; has the files of tasks, too"],
    ],
  });
  withServer(withJson(command))
    .addOption(new Option("--encrypt", "refuse to write it without a key"))
    .addOption(new Option("--no-encrypt", "do not encrypt it, although there is a key"))
    .option("--with-artifacts", "put the contents of artifacts into it, too");
  type CreateOptions = Options & { encrypt?: boolean; withArtifacts?: boolean };
  act<CreateOptions>(command, context, (_, options) =>
    withConnection(open(context, options), async (client) => {
      const { encrypt, withArtifacts = false } = options;
      const job = await client.backups.create({ withArtifacts, ...(encrypt !== undefined && { encrypt }) });
      await finish(context, client, job);
      const made = await client.backups.get(job.backupId);
      if (options.json) printJson(context, made);
      else context.stdout.write(describeBackup(context, made));
      return undefined;
    }),
  );
}

function addList(backup: Command, context: CliContext): void {
  const command = defineCommand(backup, "list", {
    summary: "list backups",
    examples: [
      ["muster backup list", "newest first, with what is under way"],
      ["muster backup list --from s3://muster-backups/production", "when there is no server any more"],
    ],
  });
  act<Options>(withPlace(command), context, async (_, options) => {
    const listing =
      options.from === undefined
        ? await withConnection(open(context, options), (client) => client.backups.list())
        : await listAt(context, options.from);
    if (options.json) printJson(context, listing);
    else context.stdout.write(listText(context, listing));
    return undefined;
  });
}

async function listAt(context: CliContext, from: string) {
  const { listBackupsAt } = await context.backups();
  const { backups, unusable } = await listBackupsAt({ from: placeOf(context, from) });
  return { items: backups.map(dated), unusable, running: null, nextAt: null };
}

const timeOf = (at: number): string => new Date(at).toISOString();
/** A backup as the server would tell of it. */
const dated = <T extends { at: number; verifiedAt: number | null }>(info: T) => ({
  ...info,
  at: timeOf(info.at),
  verifiedAt: info.verifiedAt === null ? null : timeOf(info.verifiedAt),
});

function addShow(backup: Command, context: CliContext): void {
  const command = defineCommand(backup, "show <id>", {
    summary: "show what one backup holds",
    examples: [["muster backup show 20260101-000000-0f3b5c6d", "its tables, rows and checksums"]],
  });
  act<Options>(withPlace(command), context, async ([id = ""], options) => {
    const { from } = options;
    const found =
      from === undefined
        ? await withConnection(open(context, options), (client) => client.backups.get(id))
        : dated(await (await context.backups()).showBackupAt({ from: placeOf(context, from) }, id));
    if (options.json) printJson(context, found);
    else context.stdout.write(describeBackup(context, found));
    return undefined;
  });
}

function addVerify(backup: Command, context: CliContext): void {
  const command = defineCommand(backup, "verify <id>", {
    summary: "restore a backup for a trial",
    description:
      "Restores a backup into a database that is dropped again, and compares the rows and the checksum of every table " +
      "with those of the moment when it was made.",
    examples: [
      ["muster backup verify 20260101-000000-0f3b5c6d", "on the server, beside its work"],
      ["muster backup verify latest --from /mnt/copies", "here, without a server"],
    ],
  });
  withPlace(command).option("--scratch <url>", "try it on this PostgreSQL server (postgres://…), from here");
  type VerifyOptions = Options & { scratch?: string };
  act<VerifyOptions>(command, context, async ([id = ""], options) => {
    const report =
      options.from === undefined && options.scratch === undefined
        ? await verifyThere(context, options, id)
        : await verifyHere(context, options, id);
    if (options.json) printJson(context, report);
    else {
      const { colors } = context.stdout;
      const steps = report.steps.map((step) => `  ${step}\n`).join("");
      context.stdout.write(`${steps}${colors.green("✔")} backup ${report.id} can be restored\n`);
    }
    return undefined;
  });
}

async function verifyThere(context: CliContext, options: Options, id: string) {
  return withConnection(open(context, options), async (client) => {
    const { steps } = await finish(context, client, await client.backups.verify(id));
    return { id, steps };
  });
}

async function verifyHere(context: CliContext, options: Options & { scratch?: string }, id: string) {
  const { config } = await readCliConfig(context, {}, "node");
  const { place } = await backupOptions(context, config);
  const from = options.from ?? place.backupTo ?? config.s3Url ?? options.dataDir ?? config.dataDir;
  const { verifyBackupAt } = await context.backups();
  return verifyBackupAt({
    from: placeOf(context, from),
    id,
    key: place.backupKey,
    scratch: options.scratch,
    onProgress: sayOnce((sentence) => context.stderr.write(`${sentence}\n`)),
  });
}

function addPrune(backup: Command, context: CliContext): void {
  const command = defineCommand(backup, "prune", {
    summary: "remove the backups that the retention does not keep",
    description:
      "Keeps the newest backup of each of the last hours, days and weeks (MUSTER_BACKUP_KEEP_HOURLY, _DAILY, _WEEKLY), the " +
      "newest one and the newest that was verified; removes the others.",
    examples: [["muster backup prune --dry-run", "what would go, and why the others stay"]],
  });
  withServer(withJson(command)).option("--dry-run", "remove nothing");
  act<Options & { dryRun?: boolean }>(command, context, (_, options) =>
    withConnection(open(context, options), async (client) => {
      const { dryRun = false } = options;
      const pruned = await client.backups.prune({ dryRun });
      if (options.json) {
        printJson(context, pruned);
        return undefined;
      }
      const kept = pruned.kept.map(({ id, reasons }) => `kept ${id}: ${reasons.join(", ")}\n`);
      const removed = pruned.removed.map((id) => `${dryRun ? "would remove" : "removed"} ${id}\n`);
      context.stdout.write([...kept, ...removed].join("") || "there is no backup\n");
      return undefined;
    }),
  );
}

/** Follows a job to its end and tells how far it is. */
async function finish(context: CliContext, client: Client, begun: BackupJob): Promise<BackupJob> {
  const say = sayOnce((sentence) => context.stderr.write(`${sentence}\n`));
  let job = begun;
  while (job.status === "running") {
    job = await client.backups.job(job.id, askMs);
    if (job.status === "running" && job.progress !== "") say(job.progress);
  }
  if (job.status === "completed") return job;
  throw new CliError(`backup ${job.backupId} failed: ${job.error?.message ?? "nobody said why"}`, {
    hint:
      job.kind === "create" ? "Nothing of it was kept; try again." : "Use another one: `muster backup list`.",
    exitCode: exitCodes.failed,
  });
}
