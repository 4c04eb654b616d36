import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { act, defineCommand, withJson } from "../define-command.ts";
import { printJson } from "../print-json.ts";

export function addVersionCommand(program: Command, context: CliContext): void {
  program.version(`muster ${ownVersion()}`, "-V, --version", "show the version");
  const command = defineCommand(program, "version", {
    summary: "show the version",
    description: "Shows the version of Muster and of what it runs on.",
    examples: [["muster version --json", "the versions for a bug report, as JSON"]],
  });
  act<{ json?: boolean }>(withJson(command), context, async (_, options) => {
    const facts = {
      version: ownVersion(),
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
    };
    if (options.json) printJson(context, facts);
    else context.stdout.write(`muster ${facts.version} (Node.js ${facts.node}, ${facts.platform})\n`);
    return undefined;
  });
}

function ownVersion(): string {
  const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
