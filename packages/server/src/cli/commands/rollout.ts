import type { Client } from "@muster/sdk";
import type { Rollout, RolloutDetail } from "@muster/sdk/protocol";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand, defineGroup, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { describeRollout, describeSelector } from "../render/describe-rollout.ts";
import { formatAge } from "../render/format-duration.ts";
import { statusStyle } from "../render/status-style.ts";
import { renderTable } from "../render/table.ts";
import { addRolloutStartCommand } from "./rollout-start.ts";

type Options = ConnectOptions & { json?: boolean };

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function addRolloutCommand(program: Command, context: CliContext): void {
  const rollout = defineGroup(program, "rollout", "bring a new version of an agent in, step by step");
  addRolloutStartCommand(rollout, context);
  addStatus(rollout, context);
  addList(rollout, context);
  addPromote(rollout, context);
  addAbort(rollout, context);
  addClear(rollout, context);
}

function addStatus(rollout: Command, context: CliContext): void {
  const command = defineCommand(rollout, "status <rollout>", {
    summary: "show a rollout, and how its sides compare",
    description:
      "Shows a rollout, by its capability or id: the step, what came of each side, and what differs.",
    examples: [
      ["muster rollout status code_review", "the newest rollout of this capability"],
      ["muster rollout status code_review --json", "all of it, with every difference that is kept"],
    ],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([word = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const detail = await client.rollouts.get((await findRollout(client, word)).id);
      if (options.json) printJson(context, detail);
      else context.stdout.write(describeRollout(context, detail));
      return undefined;
    }),
  );
}

function addList(rollout: Command, context: CliContext): void {
  const command = defineCommand(rollout, "list", {
    summary: "list rollouts, newest first",
    examples: [["muster rollout list", "those under way and those that have ended"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async (_, options) =>
    withConnection(connect(context, options), async (client) => {
      const { items } = await client.rollouts.list();
      if (options.json) printJson(context, items);
      else if (items.length === 0) context.stderr.write("there is no rollout\n");
      else context.stdout.write(table(context, items));
      return undefined;
    }),
  );
}

function table(context: CliContext, rollouts: readonly Rollout[]): string {
  const { colors } = context.stdout;
  return renderTable(
    [
      { title: "CAPABILITY", value: (one) => one.capability, shrinks: true },
      { title: "ID", value: (one) => one.id },
      {
        title: "STATUS",
        value: (one) => one.status,
        style: (text, one) => statusStyle(colors, one.status)(text),
      },
      { title: "CANDIDATE", value: (one) => describeSelector(one.candidate), shrinks: true },
      { title: "STEP", value: (one) => `${one.step + 1}/${one.steps.length}`, align: "right" },
      { title: "WEIGHT", value: (one) => `${one.weights.candidate} %`, align: "right" },
      { title: "HOLDS", value: (one) => (one.holds ? "yes" : "no"), optional: true },
      { title: "STARTED", value: (one) => formatAge(one.createdAt, context.now()), optional: true },
    ],
    rollouts,
    context.stdout.columns(),
    colors.dim,
  );
}

function addPromote(rollout: Command, context: CliContext): void {
  const command = defineCommand(rollout, "promote <rollout>", {
    summary: "go on to the next step",
    description: "Goes on to the next step; behind the last one every task is the candidate's.",
    examples: [
      ["muster rollout promote code_review", "from 10 to 50 per cent"],
      ["muster rollout promote code_review --to-end", "past all steps"],
    ],
  });
  withServer(withJson(command)).option("--to-end", "past all steps: every task is the candidate's");
  act<Options & { toEnd?: boolean }>(command, context, async ([word = ""], options) =>
    change(context, options, word, (client, id) =>
      client.rollouts.promote(id, options.toEnd ? { toEnd: true } : {}),
    ),
  );
}

function addAbort(rollout: Command, context: CliContext): void {
  const command = defineCommand(rollout, "abort <rollout>", {
    summary: "give everything back to the baseline",
    description: "Gives everything back to the baseline. What the candidate is doing it may finish.",
    examples: [
      ["muster rollout abort code_review --reason 'wrong findings'", "the candidate gets nothing more"],
    ],
  });
  withServer(withJson(command)).option("--reason <text>", "why, for those who look at it later");
  act<Options & { reason?: string }>(command, context, async ([word = ""], options) =>
    change(context, options, word, (client, id) =>
      client.rollouts.abort(id, options.reason === undefined ? {} : { reason: options.reason }),
    ),
  );
}

function addClear(rollout: Command, context: CliContext): void {
  const command = defineCommand(rollout, "clear <rollout>", {
    summary: "let every version work again",
    description:
      "A rollout that has ended still says who gets tasks: the candidate if it was promoted, else the baseline. " +
      "This ends that, and agents of every version get tasks again.",
    examples: [["muster rollout clear code_review", "once the agents of the other version are gone"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([word = ""], options) =>
    change(context, options, word, (client, id) => client.rollouts.clear(id)),
  );
}

async function change(
  context: CliContext,
  options: Options,
  word: string,
  make: (client: Client, id: string) => Promise<Rollout>,
): Promise<undefined> {
  return withConnection(connect(context, options), async (client) => {
    const rollout = await make(client, (await findRollout(client, word)).id);
    if (options.json) printJson(context, rollout);
    else context.stdout.write(`${sentenceOf(rollout)}\n`);
    return undefined;
  });
}

function sentenceOf({ capability, status, step, steps, weights, holds }: Rollout): string {
  if (!holds) return `agents of every version get tasks of ${capability} again`;
  const share = `the candidate gets ${weights.candidate} % of ${capability}`;
  return status !== "running"
    ? `${status.replace("_", " ")}: ${share}`
    : `step ${step + 1} of ${steps.length}: ${share}`;
}

/** A rollout by its id, else the one of a capability that holds, else its newest one. */
async function findRollout(client: Client, word: string): Promise<Rollout | RolloutDetail> {
  if (uuid.test(word)) return client.rollouts.get(word);
  const { items } = await client.rollouts.list({ capability: word });
  const found = items.find((one) => one.holds) ?? items[0];
  if (found !== undefined) return found;
  throw new CliError(`there is no rollout of ${word}`, { hint: "`muster rollout list` has all of them." });
}
