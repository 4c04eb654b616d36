import type { Command } from "commander";
import type { ShownSetting } from "../../config/show-config.ts";
import type { CliContext } from "../cli-context.ts";
import { act, defineCommand, withJson } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { readCliConfig } from "../read-cli-config.ts";
import { type Column, renderTable } from "../render/table.ts";

interface Options {
  json?: boolean;
}

export function addConfigCommand(program: Command, context: CliContext): void {
  const command = defineCommand(program, "config", {
    summary: "show the configuration that is in effect",
    description:
      "Shows every setting, its value and where that comes from. Secrets are masked. The configuration is read as " +
      "`muster serve` would read it here; what is wrong with it is told with exit code 2.",
    examples: [
      ["muster config", "every setting as a table"],
      ["muster config --json", "the same for programs, with descriptions"],
    ],
  });
  withJson(command);
  act<Options>(command, context, async (_, options) => {
    const reading = await readCliConfig(context, {}, "node");
    const { showConfig } = await import("../../config/show-config.ts");
    const shown = showConfig(reading);
    if (options.json) {
      printJson(context, shown);
      return undefined;
    }
    context.stdout.write(table(context, shown));
    return undefined;
  });
}

function table(context: CliContext, shown: readonly ShownSetting[]): string {
  const columns: Column<ShownSetting>[] = [
    { title: "setting", value: ({ variable }) => variable },
    {
      title: "value",
      value: ({ value, otherwise }) => (value === undefined ? `(${otherwise ?? "none"})` : String(value)),
      shrinks: true,
    },
    { title: "from", value: ({ source }) => source },
  ];
  return renderTable(columns, shown, context.stdout.columns(), context.stdout.colors.dim);
}
