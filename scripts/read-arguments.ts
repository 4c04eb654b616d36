import { type ParseArgsConfig, parseArgs } from "node:util";

const help = { type: "boolean", short: "h", default: false } as const;

/** What a script says instead of beginning. */
interface Answer {
  text: string;
  exitCode: 0 | 2;
}
type Parsed<T extends ParseArgsConfig> = ReturnType<typeof parseArgs<T>>;

/** Reads a command line; `usage` is the answer to `--help`. */
export function parseArguments<const T extends ParseArgsConfig>(
  usage: string,
  config: T,
  args: string[],
): Parsed<T> | Answer {
  try {
    const given = { ...config, args, options: { ...config.options, help } };
    const asked = parseArgs(given) as Parsed<T>;
    const { help: wanted } = asked.values as { help?: boolean };
    return wanted ? { text: usage.trim(), exitCode: 0 } : asked;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith("ERR_PARSE_ARGS_")) throw error;
    // Node adds how a positional argument would be written, which nobody meant.
    const [reason] = message.split(/\. |\n/);
    return { text: `error: ${reason?.replace(/\.$/, "")}. See --help.`, exitCode: 2 };
  }
}

/** The command line of this process. Ends it with 0 after `--help`, and with 2 and one line where it is used wrongly. */
export function readArguments<const T extends ParseArgsConfig>(usage: string, config: T): Parsed<T> {
  const asked = parseArguments(usage, config, process.argv.slice(2));
  if (!("exitCode" in asked)) return asked;
  (asked.exitCode === 0 ? console.log : console.error)(asked.text);
  process.exit(asked.exitCode);
}

/** Ends the process with 2 and one line. */
export function refuse(reason: string): never {
  console.error(`error: ${reason} See --help.`);
  process.exit(2);
}

/** The number that an option was given, at least so large. Ends the process with 2 where it is none. */
export function readNumber(name: string, given: string, { least = 0, whole = true } = {}): number {
  const value = given.trim() === "" ? Number.NaN : Number(given);
  if (Number.isFinite(value) && value >= least && (!whole || Number.isInteger(value))) return value;
  return refuse(`--${name} is a ${whole ? "whole " : ""}number from ${least} on, not "${given}".`);
}
