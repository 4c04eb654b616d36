import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand } from "../define-command.ts";
import { projectOf, type StateOptions, withState } from "./state-options.ts";

interface Options extends StateOptions {
  watch?: boolean;
}

export function addStateSyncCommand(state: Command, context: CliContext): void {
  const command = defineCommand(state, "sync <folder>", {
    summary: "keep a folder of JSON files and a project in step",
    description:
      "Brings the JSON files of a folder and the documents of a project in step, for any number of people at once: " +
      "a/b.json is the document a/b. What changed on both sides is merged; where that can't be, the file has what the " +
      "server has, and yours is kept beside it as x.json.conflict-…. Work goes on offline. With --watch it goes on until Ctrl-C. " +
      "The exit code is 1 if something could not be synced, or was in conflict.",
    examples: [
      ["muster state sync ./shop --project shop", "once"],
      ["muster state sync ./shop --project shop --watch", "from now on, in both directions"],
    ],
  });
  withState(command).option("--watch", "go on: sync whatever changes here or there");
  act<Options>(command, context, ([folder = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const { holdFolder } = await import("../state-sync/hold-folder.ts");
      const { keepSyncing, syncOnce } = await import("../state-sync/run-sync.ts");
      const root = resolve(context.cwd, folder);
      mkdirSync(root, { recursive: true });
      const letGo = holdFolder(root, context.isProcessAlive);
      const remote = client.state.project(projectOf(options));
      const work = options.watch
        ? keepSyncing(context, root, remote, options)
        : syncOnce(context, root, remote, options);
      return work.finally(letGo);
    }),
  );
}
