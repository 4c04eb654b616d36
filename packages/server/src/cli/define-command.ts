import { type Command, Option } from "commander";
import type { CliContext } from "./cli-context.ts";
import { CliError } from "./cli-error.ts";

export interface CommandText {
  summary: string;
  description?: string;
  /** Command lines with what each does. */
  examples: readonly (readonly [line: string, meaning: string])[];
}

/** Adds a command with its help; `usage` is its name and arguments, such as `show <task>`. */
export function defineCommand(parent: Command, usage: string, text: CommandText): Command {
  const command = parent
    .command(usage)
    .summary(text.summary)
    .description(text.description ?? asSentence(text.summary))
    .helpOption("-h, --help", "show this help")
    .addHelpText("after", `\nExamples:\n${formatExamples(text.examples)}`);
  return command.showHelpAfterError(`hint: see \`${pathOf(command)} --help\``);
}

/** Adds a word that only holds other commands, such as `task`. */
export function defineGroup(parent: Command, name: string, summary: string): Command {
  const group = parent.command(name).summary(summary).description(asSentence(summary));
  return group
    .helpOption("-h, --help", "show this help")
    .helpCommand(false)
    .enablePositionalOptions()
    .showHelpAfterError(`hint: see \`${pathOf(group)} --help\``);
}

function asSentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

function formatExamples(examples: CommandText["examples"]): string {
  return examples.map(([line, meaning]) => `  $ ${line}\n      ${meaning}`).join("\n");
}

export function withJson(command: Command): Command {
  return command.option("--json", "print JSON alone on standard output");
}

/** The options by which a command finds a server. */
export function withServer(command: Command): Command {
  return command
    .option("--server <url>", "the server to use (or MUSTER_URL; its key in MUSTER_API_KEY)")
    .option(
      "--data-dir <folder>",
      "the folder with the data; finds the server that runs on it (default: .muster)",
    );
}

export function repeatable(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value: string, before: string[] | undefined) => [
    ...(before ?? []),
    value,
  ]);
}

/** An option that takes a whole number within bounds. */
export function wholeNumber(flags: string, description: string, least: number, most: number): Option {
  return new Option(flags, description).argParser((value: string) => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= least && number <= most) return number;
    throw new CliError(`${flags.split(" ")[0]} wants a whole number from ${least} to ${most}, not ${value}`);
  });
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** An option that takes a duration such as `30s`, `5m` or `1h30m` and yields milliseconds. */
export function duration(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value: string) => {
    let totalMs = 0;
    for (const [, count, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
      totalMs += Number(count) * (unitMs[unit ?? ""] ?? 0);
    }
    if (/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(value) && totalMs >= 1) return Math.round(totalMs);
    throw new CliError(`${flags.split(" ")[0]} wants a duration like 30s, 5m or 1h30m, not ${value}`);
  });
}

/**
 * Gives a command its work. Options count wherever they stand, before or after a sub-command's name. What
 * the work returns is the exit code, 0 where it returns nothing.
 */
export function act<Options>(
  command: Command,
  context: CliContext,
  work: (operands: string[], options: Options) => Promise<number | undefined>,
): void {
  command.action(async () => {
    context.exitCode = (await work(command.args, command.optsWithGlobals() as Options)) ?? 0;
  });
}
