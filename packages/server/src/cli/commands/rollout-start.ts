import type { RolloutStart, RolloutStep, SideSelector } from "@muster/sdk/protocol";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand, duration, wholeNumber, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";

interface Options extends ConnectOptions {
  json?: boolean;
  candidate: string;
  baseline?: string;
  steps: number[];
  shadow?: number;
  afterSuccesses?: number;
  after?: number;
  maxErrors?: number;
  maxSlower?: number;
  maxDifferent?: number;
  minSamples?: number;
  compareWith?: string;
  shadowTasks?: number;
  wait?: boolean;
  tenant?: string;
}

export function addRolloutStartCommand(rollout: Command, context: CliContext): void {
  const command = defineCommand(rollout, "start <capability>", {
    summary: "share the tasks of a capability out between two versions",
    description:
      "Gives a share of a capability's tasks to the agents of one version, the candidate, and the rest to the others. " +
      "Tasks of one run, or with one rolloutKey, stay on one side. Steps are promoted by hand, or by themselves with " +
      "--after-successes and --after. Too many errors end the rollout by themselves.",
    examples: [
      ["muster rollout start code_review --candidate 2.0", "10, then 50, then 100 per cent for version 2.0"],
      [
        "muster rollout start code_review --candidate 2.0 --steps 5,25,100 --after-successes 50 --after 10m",
        "promoted by itself, after 50 tasks and 10 minutes a step",
      ],
      [
        "muster rollout start code_review --candidate name=new-reviewer --steps 0,10,100 --shadow 20",
        "first the results of 20 per cent of the tasks are compared, and none is used",
      ],
    ],
  });
  addOptions(withServer(withJson(command)));
  act<Options>(command, context, async ([capability = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const rollout = await client.rollouts.start(requestOf(capability, options));
      if (options.json) printJson(context, rollout);
      else {
        const { steps, weights, id } = rollout;
        context.stdout.write(
          `step 1 of ${steps.length}: the candidate gets ${weights.candidate} % of ${capability} (rollout ${id})\n`,
        );
        context.stderr.write(`look at it with: muster rollout status ${capability}\n`);
      }
      return undefined;
    }),
  );
}

function addOptions(command: Command): void {
  command
    .requiredOption("--candidate <version>", "the new version, or name=NAME, or both: name=NAME,version=V")
    .option("--baseline <version>", "the old one, in the same way (default: every other agent)")
    .addOption(
      new Option("--steps <weights>", "per cent for the candidate, step by step")
        .argParser(readSteps)
        .default([10, 50, 100], "10,50,100"),
    )
    .addOption(wholeNumber("--shadow <percent>", "per cent of tasks done once more for comparison", 1, 100))
    .addOption(
      wholeNumber("--after-successes <tasks>", "promote after so many in a step", 1, Number.MAX_SAFE_INTEGER),
    )
    .addOption(duration("--after <duration>", "promote after so long in a step, such as 10m"))
    .addOption(percent("--max-errors <percent>", "errors above the baseline's that end it (default: 5)"))
    .addOption(ratio("--max-slower <times>", "how many times slower than the baseline ends it, such as 1.5"))
    .addOption(percent("--max-different <percent>", "compared results that may differ"))
    .addOption(
      wholeNumber(
        "--min-samples <attempts>",
        "attempts before it is judged (default: 20)",
        1,
        Number.MAX_SAFE_INTEGER,
      ),
    )
    .option("--compare-with <capability>", "asks this capability whether two results are equal")
    .addOption(
      wholeNumber(
        "--shadow-tasks <tasks>",
        "copies in all at most (default: 1000)",
        1,
        Number.MAX_SAFE_INTEGER,
      ),
    )
    .option("--wait", "while no candidate is there, its tasks wait (default: the baseline does them)")
    .option("--tenant <tenant>", "whose tasks (default: those of the key's tenant)");
}

function requestOf(capability: string, options: Options): RolloutStart {
  const { steps, shadow, tenant, compareWith, shadowTasks } = options;
  const promoteAfter = {
    ...(options.afterSuccesses !== undefined && { successes: options.afterSuccesses }),
    ...(options.after !== undefined && { durationMs: options.after }),
  };
  const automatic = Object.keys(promoteAfter).length > 0;
  return {
    capability,
    candidate: readSide(options.candidate),
    ...(options.baseline !== undefined && { baseline: readSide(options.baseline) }),
    steps: steps.map(
      (candidate): RolloutStep => ({
        candidate,
        ...(shadow !== undefined && candidate < 100 && { shadow }),
        ...(automatic && { promoteAfter }),
      }),
    ),
    rollback: {
      ...(options.maxErrors !== undefined && { errorRate: options.maxErrors / 100 }),
      ...(options.maxSlower !== undefined && { latencyRatio: options.maxSlower }),
      ...(options.maxDifferent !== undefined && { differenceRate: options.maxDifferent / 100 }),
      ...(options.minSamples !== undefined && { minSamples: options.minSamples }),
    },
    ...(compareWith !== undefined && { comparison: compareWith }),
    ...(shadowTasks !== undefined && { shadowTasks }),
    ...(options.wait && { whenAway: "wait" }),
    ...(tenant !== undefined && { tenant }),
  };
}

/** `2.0`, `name=reviewer`, or `name=reviewer,version=2.0`. */
function readSide(text: string): SideSelector {
  if (!text.includes("=")) return { version: text };
  const side: SideSelector = {};
  for (const part of text.split(",")) {
    const [, member, value] = /^(name|version)=(.+)$/.exec(part.trim()) ?? [];
    if (value === undefined) {
      throw new CliError(`${text} is no version and no name=NAME,version=VERSION`, {
        hint: "For example: --candidate 2.0, or --candidate name=new-reviewer",
      });
    }
    side[member as "name" | "version"] = value;
  }
  return side;
}

function readSteps(text: string): number[] {
  const steps = text.split(",").map((part) => (/^\s*\d{1,3}\s*$/.test(part) ? Number(part) : Number.NaN));
  if (steps.every((step) => step <= 100)) return steps;
  throw new CliError(`--steps wants whole per cents separated by commas, such as 10,50,100, not ${text}`);
}

function percent(flags: string, description: string): Option {
  return number(flags, description, 0, 100);
}

function ratio(flags: string, description: string): Option {
  return number(flags, description, 1, 1_000);
}

function number(flags: string, description: string, least: number, most: number): Option {
  return new Option(flags, description).argParser((value: string) => {
    const read = /^\d{1,4}(\.\d{1,4})?$/.test(value) ? Number(value) : Number.NaN;
    if (read >= least && read <= most) return read;
    throw new CliError(`${flags.split(" ")[0]} wants a number from ${least} to ${most}, not ${value}`);
  });
}
