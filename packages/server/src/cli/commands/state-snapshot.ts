import type { OnChanged, StateRestored, StateSnapshot, StateSnapshotRequest } from "@muster/sdk/protocol";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { act, defineCommand, defineGroup, wholeNumber } from "../define-command.ts";
import { type PageOptions, pageOf, printPage, withPages } from "../paging.ts";
import { printJson } from "../print-json.ts";
import { describeFields } from "../render/describe-fields.ts";
import { formatBytes } from "../render/format-bytes.ts";
import { formatAge } from "../render/format-duration.ts";
import { printable } from "../render/printable.ts";
import { renderTable } from "../render/table.ts";
import { onProject, type StateOptions, withState } from "./state-options.ts";

const mostSnapshots = 200;

/** The commands that keep the documents of a project as they are, and bring them back. */
export function addStateSnapshotCommand(state: Command, context: CliContext): void {
  const snapshot = defineGroup(state, "snapshot", "keep a project as it is now, and bring it back");
  addCreate(snapshot, context);
  addList(snapshot, context);
  addShow(snapshot, context);
  addGet(snapshot, context);
  addRestore(snapshot, context);
  addRemove(snapshot, context);
  addPrune(snapshot, context);
}

const keepOption = (description: string): Option =>
  wholeNumber("--keep <number>", description, 1, mostSnapshots);

function addCreate(snapshot: Command, context: CliContext): void {
  const command = defineCommand(snapshot, "create", {
    summary: "keep the documents of a project as they are now",
    description:
      "Keeps the documents of a project as they are at this moment, with their versions, in the blob store of the " +
      "server. Others go on writing meanwhile.",
    examples: [
      ["muster state snapshot create --project shop --label before-migration", "under a name"],
      ["muster state snapshot create --project shop --keep 30", "and only the 30 newest are kept"],
    ],
  });
  withState(command)
    .option("--label <text>", "what it is called in listings")
    .option("--prefix <prefix>", "only documents whose path begins so")
    .addOption(keepOption("then remove all but so many of the newest"));
  act<StateOptions & StateSnapshotRequest>(command, context, async (_, options) =>
    onProject(context, options, async (project) => {
      const { label, prefix, keep } = options;
      const made = await project.snapshots.create({
        ...(label !== undefined && { label }),
        ...(prefix !== undefined && { prefix }),
        ...(keep !== undefined && { keep }),
      });
      if (options.json) printJson(context, made);
      else {
        context.stdout.write(`${made.id}\n`);
        context.stderr.write(`kept ${counted(made.documents, "document")}, ${formatBytes(made.bytes)}\n`);
      }
    }),
  );
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

function addList(snapshot: Command, context: CliContext): void {
  const command = defineCommand(snapshot, "list", {
    summary: "list the snapshots of a project, newest first",
    examples: [["muster state snapshot list --project shop --json", "for a script"]],
  });
  withPages(withState(command));
  act<StateOptions & PageOptions>(command, context, async (_, options) =>
    onProject(context, options, async (project) => {
      const page = await project.snapshots.list(pageOf(options));
      const shown = (snapshots: readonly StateSnapshot[]) => table(context, snapshots);
      printPage(context, page, { json: options.json, none: "the project has no snapshot", table: shown });
    }),
  );
}

const table = (context: CliContext, snapshots: readonly StateSnapshot[]): string =>
  renderTable(
    [
      { title: "ID", value: ({ id }) => id },
      { title: "TAKEN", value: ({ at }) => formatAge(at, context.now()) },
      { title: "DOCUMENTS", value: ({ documents }) => String(documents), align: "right" },
      { title: "SIZE", value: ({ bytes }) => formatBytes(bytes), align: "right" },
      { title: "BY", value: ({ by }) => printable(by), shrinks: true },
      { title: "LABEL", value: ({ label }) => printable(label ?? ""), shrinks: true },
    ],
    snapshots,
    context.stdout.columns(),
    context.stdout.colors.dim,
  );

function addShow(snapshot: Command, context: CliContext): void {
  const command = defineCommand(snapshot, "show <id>", {
    summary: "show what a snapshot is of",
    examples: [
      ["muster state snapshot show 0199aa41-7c1e-7000-8000-00000000000a", "its moment, size and sum"],
    ],
  });
  withState(command);
  act<StateOptions>(command, context, async ([id = ""], options) =>
    onProject(context, options, async (project) => {
      const found = await project.snapshots.get(id);
      if (options.json) printJson(context, found);
      else context.stdout.write(describe(context, found));
    }),
  );
}

const describe = (context: CliContext, one: StateSnapshot): string =>
  describeFields(context.stdout.colors, [
    ["id", one.id],
    ["project", one.project],
    ["label", one.label],
    ["prefix", one.prefix],
    ["taken", one.at],
    ["by", one.by],
    ["documents", String(one.documents)],
    ["newest version", String(one.newestVersion)],
    ["size", formatBytes(one.bytes)],
    ["sha256", one.sha256],
  ]);

function addGet(snapshot: Command, context: CliContext): void {
  const command = defineCommand(snapshot, "get <id>", {
    summary: "print the documents of a snapshot",
    description: "Prints the documents of a snapshot to standard output, one JSON object per line.",
    examples: [
      ["muster state snapshot get 0199aa41-7c1e-7000-8000-00000000000a > shop.ndjson", "into a file"],
    ],
  });
  withState(command);
  act<StateOptions>(command, context, async ([id = ""], options) =>
    onProject(context, options, async (project) => {
      for await (const chunk of await project.snapshots.content(id)) await context.writeBytes(chunk);
    }),
  );
}

interface RestoreOptions extends StateOptions {
  onChange?: OnChanged;
  deleteOthers?: boolean;
  into?: string;
  prefix?: string;
  dryRun?: boolean;
}

function addRestore(snapshot: Command, context: CliContext): void {
  const command = defineCommand(snapshot, "restore <id>", {
    summary: "bring the documents of a snapshot back",
    description:
      "Writes the documents of a snapshot as new versions. Where documents are not as in the snapshot it refuses and names " +
      "them, unless --on-change says what becomes of them. Before anything is replaced or deleted, a snapshot is taken of " +
      "what is there; what somebody writes meanwhile is left as they wrote it.",
    examples: [
      ["muster state snapshot restore 0199aa41-7c1e-7000-8000-00000000000a --dry-run", "what would be done"],
      [
        "muster state snapshot restore 0199aa41-7c1e-7000-8000-00000000000a --on-change replace",
        "everything as it was then",
      ],
      [
        "muster state snapshot restore 0199aa41-7c1e-7000-8000-00000000000a --into shop-then",
        "beside what there is",
      ],
    ],
  });
  withState(command)
    .addOption(
      new Option("--on-change <what>", "documents that are not as in the snapshot (default: refuse)").choices(
        ["refuse", "keep", "replace"],
      ),
    )
    .option("--delete-others", "delete documents that the snapshot does not have")
    .option("--into <project>", "restore into another project")
    .option("--prefix <prefix>", "only documents whose path begins so")
    .option("--dry-run", "tell what would be done, and do nothing");
  act<RestoreOptions>(command, context, async ([id = ""], options) =>
    onProject(context, options, async (project) => {
      const { onChange, deleteOthers, into, prefix, dryRun } = options;
      const restored = await project.snapshots.restore(id, {
        ...(onChange !== undefined && { onChanged: onChange }),
        ...(deleteOthers !== undefined && { deleteOthers }),
        ...(into !== undefined && { into }),
        ...(prefix !== undefined && { prefix }),
        ...(dryRun !== undefined && { dryRun }),
      });
      if (options.json) printJson(context, restored);
      else tellRestored(context, restored);
    }),
  );
}

function tellRestored(context: CliContext, restored: StateRestored): void {
  for (const { path, outcome, snapshotVersion, replacedVersion } of restored.documents) {
    const from = snapshotVersion === null ? "" : ` from version ${snapshotVersion}`;
    const now = replacedVersion === null ? "" : ` (version ${replacedVersion} was there)`;
    context.stdout.write(`${outcome} ${path}${from}${now}\n`);
  }
  const parts = (["created", "replaced", "kept", "deleted", "outrun", "unchanged"] as const)
    .filter((part) => restored[part] > 0)
    .map((part) => `${restored[part]} ${part}`);
  const said = parts.length === 0 ? "there was nothing to do" : parts.join(", ");
  context.stderr.write(`${restored.dryRun ? "would be: " : ""}${said}\n`);
  if (restored.before !== null) context.stderr.write(`what was there is in snapshot ${restored.before}\n`);
}

function addRemove(snapshot: Command, context: CliContext): void {
  const command = defineCommand(snapshot, "rm <id>", {
    summary: "remove a snapshot",
    examples: [["muster state snapshot rm 0199aa41-7c1e-7000-8000-00000000000a --project shop", "for good"]],
  });
  withState(command);
  act<StateOptions>(command, context, async ([id = ""], options) =>
    onProject(context, options, async (project) => {
      await project.snapshots.delete(id);
      if (options.json) printJson(context, { id });
      else context.stdout.write(`removed ${id}\n`);
    }),
  );
}

function addPrune(snapshot: Command, context: CliContext): void {
  const command = defineCommand(snapshot, "prune", {
    summary: "remove all but the newest snapshots",
    examples: [["muster state snapshot prune --project shop --keep 30 --dry-run", "which ones would go"]],
  });
  withState(command)
    .addOption(keepOption("how many of the newest stay").makeOptionMandatory())
    .option("--dry-run", "tell which would go, and remove none");
  act<StateOptions & { keep: number; dryRun?: boolean }>(command, context, async (_, options) =>
    onProject(context, options, async (project) => {
      const { keep, dryRun = false } = options;
      const pruned = await project.snapshots.prune({ keep, dryRun });
      if (options.json) printJson(context, pruned);
      else {
        for (const id of pruned.removed)
          context.stdout.write(`${dryRun ? "would remove" : "removed"} ${id}\n`);
        context.stderr.write(`${counted(pruned.kept.length, "snapshot")} kept\n`);
      }
    }),
  );
}
