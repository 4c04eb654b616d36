import { resolve } from "node:path";
import type { Backup, BackupListing } from "@muster/sdk/protocol";
import type { CliContext } from "../cli-context.ts";
import { describeFields } from "../render/describe-fields.ts";
import { formatAge } from "../render/format-duration.ts";
import { renderTable } from "../render/table.ts";

/** A place as a person names it: folders are seen from where they stand. */
export const placeOf = (context: CliContext, place: string): string =>
  /^[a-z0-9]+:\/\//.test(place) ? place : resolve(context.cwd, place);

const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];

function formatBytes(bytes: number): string {
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}

export function listText(context: CliContext, { items, unusable, running, nextAt }: BackupListing): string {
  const { colors } = context.stdout;
  const now = context.now();
  const table = renderTable(
    [
      { title: "ID", value: ({ id }: Backup) => id },
      { title: "MADE", value: ({ at }) => formatAge(at, now) },
      { title: "ROWS", value: ({ rows }) => String(rows), align: "right" },
      { title: "SIZE", value: ({ bytes }) => formatBytes(bytes), align: "right" },
      { title: "ENCRYPTED", value: ({ encrypted }) => (encrypted ? "yes" : "no") },
      {
        title: "VERIFIED",
        value: ({ verifiedAt }) => (verifiedAt === null ? "never" : formatAge(verifiedAt, now)),
      },
    ],
    items,
    context.stdout.columns(),
    colors.dim,
  );
  const lines = [items.length === 0 ? "there is no backup\n" : table];
  for (const { id, reason } of unusable) lines.push(`${colors.yellow(`${id} can't be used: ${reason}`)}\n`);
  if (running !== null)
    lines.push(
      `under way: ${running.kind === "create" ? "writing" : "verifying"} ${running.backupId} ${running.progress}\n`,
    );
  if (nextAt !== null) lines.push(`next: ${nextAt}\n`);
  return lines.join("");
}

export function describeBackup(context: CliContext, backup: Backup): string {
  const { colors } = context.stdout;
  const { artifacts } = backup;
  const files = `${artifacts.count} (${formatBytes(artifacts.bytes)}), ${artifacts.included ? "with" : "without"} their contents`;
  const fields = describeFields(colors, [
    ["id", backup.id],
    ["shows", backup.at],
    ["written by", `muster ${backup.program}, ${backup.migrations} migrations`],
    ["rows", String(backup.rows)],
    ["size", formatBytes(backup.bytes)],
    ["encrypted", backup.encrypted ? "yes" : "no"],
    ["verified", backup.verifiedAt ?? "never"],
    ["artifacts", files],
  ]);
  const tables = renderTable(
    [
      { title: "table", value: ({ name }: Backup["tables"][number]) => name },
      { title: "rows", value: ({ rows }) => String(rows), align: "right" },
      { title: "checksum", value: ({ checksum }) => checksum, align: "right" },
    ],
    backup.tables.filter(({ rows }) => rows > 0),
    context.stdout.columns(),
    colors.dim,
  );
  return `${fields}${tables}`;
}
