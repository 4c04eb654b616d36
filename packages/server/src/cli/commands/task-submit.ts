import type { JoinPolicy, Priority, TaskSubmission } from "@muster/sdk/protocol";
import { type Command, Option } from "commander";
import { type BudgetOptions, readBudget, withBudget } from "../budget-options.ts";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import {
  act,
  defineCommand,
  duration,
  repeatable,
  wholeNumber,
  withJson,
  withServer,
} from "../define-command.ts";
import { printJson } from "../print-json.ts";

interface Options extends ConnectOptions, BudgetOptions {
  json?: boolean;
  capability?: string;
  agent?: string;
  input?: string;
  inputFile?: string;
  name?: string;
  priority?: Priority;
  after?: string[];
  join?: JoinPolicy;
  timeout?: number;
  deadline?: number;
  delay?: number;
  rolloutKey?: string;
  attempts?: number;
  tool?: string[];
  idempotencyKey?: string;
  wait?: boolean;
}

export function addTaskSubmitCommand(task: Command, context: CliContext): void {
  const command = defineCommand(task, "submit", {
    summary: "submit a task",
    description: "Submits a task for a capability or for one agent, and prints its id.",
    examples: [
      [
        `muster task submit --capability code_review --input '{"path": "/srv/shop"}'`,
        "whoever can do it gets it",
      ],
      [
        "muster task submit --capability summary --input-file - --wait < notes.json",
        "wait, and print its output",
      ],
      [
        "muster task submit --capability deploy --after ID --after ID --priority high",
        "once those two completed",
      ],
    ],
  });
  withBudget(withServer(withJson(command)))
    .option("--capability <name>", "what has to be done")
    .option("--agent <agent>", "the one agent that shall do it, by name or id")
    .addOption(new Option("--input <json>", "the input as JSON").conflicts("inputFile"))
    .option("--input-file <file>", "the input as a JSON file, - for standard input")
    .option("--name <name>", "a name for people to read")
    .addOption(
      new Option("--priority <priority>", "how urgent it is (default: medium)").choices([
        "critical",
        "high",
        "medium",
        "low",
        "background",
      ]),
    )
    .option("--after <id...>", "tasks that have to come before it")
    .addOption(
      new Option("--join <policy>", "of those tasks, what counts (default: all)").choices([
        "all",
        "settled",
        "any",
      ]),
    )
    .addOption(duration("--timeout <duration>", "longest time for one attempt, such as 90s or 10m"))
    .addOption(duration("--deadline <duration>", "longest time from now to its end"))
    .addOption(duration("--delay <duration>", "not before this long from now"))
    .addOption(wholeNumber("--attempts <number>", "attempts in total (default: 4)", 1, 100))
    .addOption(repeatable("--tool <name>", "a tool that the agent must have; may be repeated"))
    .option("--rollout-key <key>", "tasks with the same key stay on one side of a rollout")
    .option("--idempotency-key <key>", "the same key again gives the same task, not another one")
    .option("--wait", "wait for its end and print its output");
  act<Options>(command, context, (_, options) => submit(context, options));
}

async function submit(context: CliContext, options: Options): Promise<number | undefined> {
  const submission = await readSubmission(context, options);
  return withConnection(connect(context, options), async (client) => {
    const submitted = await client.tasks.submit(submission);
    if (options.wait) {
      context.stderr.write(`submitted task ${submitted.id}; waiting for its end…\n`);
      const { waitForTask } = await import("../wait-for-task.ts");
      return waitForTask(context, client, submitted.id, { json: options.json === true });
    }
    if (options.json) printJson(context, submitted);
    else {
      context.stdout.write(`${submitted.id}\n`);
      const known = submitted.duplicate ? " (known by its idempotency key; nothing was created)" : "";
      context.stderr.write(`${submitted.status}${known}\n`);
    }
    return undefined;
  });
}

async function readSubmission(context: CliContext, options: Options): Promise<TaskSubmission> {
  const { capability, agent, name, priority, after, join, timeout, deadline, delay, attempts, tool } =
    options;
  if (capability === undefined && agent === undefined) {
    throw new CliError("a task needs --capability or --agent", {
      hint: "For example `muster task submit --capability code_review`; `muster agents` lists what is offered.",
    });
  }
  const input = await readInput(context, options);
  const submission: TaskSubmission = {
    capability,
    agent,
    input,
    name,
    priority,
    dependsOn: after?.flatMap((ids) => ids.split(",")).filter((id) => id !== ""),
    join,
    timeoutMs: timeout,
    deadlineMs: deadline,
    delayMs: delay,
    retry: attempts === undefined ? undefined : { maxAttempts: attempts },
    tools: tool,
    rolloutKey: options.rolloutKey,
    budget: await readBudget(context, options),
    idempotencyKey: options.idempotencyKey,
  };
  // What was not said is left out, and not sent as nothing.
  return Object.fromEntries(Object.entries(submission).filter(([, value]) => value !== undefined));
}

async function readInput(context: CliContext, { input, inputFile }: Options): Promise<unknown> {
  if (input === undefined && inputFile === undefined) return undefined;
  const { parseJson, readJsonText } = await import("../read-json.ts");
  if (input !== undefined) return parseJson(input, "--input");
  return readJsonText(context, inputFile ?? "-");
}
