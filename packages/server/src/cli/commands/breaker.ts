import type { Breaker, BreakerState } from "@muster/sdk/protocol";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand, defineGroup, duration, withJson, withServer } from "../define-command.ts";
import { findAgentId } from "../find-agent.ts";
import { printJson } from "../print-json.ts";
import { describeFields } from "../render/describe-fields.ts";
import { formatAge, formatDuration } from "../render/format-duration.ts";
import { renderTable } from "../render/table.ts";

type Options = ConnectOptions & { json?: boolean };

export function addBreakerCommand(program: Command, context: CliContext): void {
  const breaker = defineGroup(program, "breaker", "show, open and close circuit breakers of agents");
  addList(breaker, context);
  addShow(breaker, context);
  addOpen(breaker, context);
  addClose(breaker, context);
}

function addList(breaker: Command, context: CliContext): void {
  const command = defineCommand(breaker, "list", {
    summary: "list breakers, open ones first",
    description: "Lists the breakers of live agents, and those of others that are not closed.",
    examples: [
      ["muster breaker list", "which agents get no work, and until when"],
      ["muster breaker list --state open --json", "those that are open, for programs"],
    ],
  });
  withServer(withJson(command)).addOption(
    new Option("--state <state>", "only breakers in this state").choices(["closed", "open", "half_open"]),
  );
  act<Options & { state?: BreakerState }>(command, context, async (_, options) =>
    withConnection(connect(context, options), async (client) => {
      const { state } = options;
      const breakers = await client.breakers.list(state === undefined ? {} : { state });
      if (options.json) printJson(context, breakers);
      else if (breakers.length === 0)
        context.stderr.write(state === undefined ? "no agent is connected\n" : `no breaker is ${state}\n`);
      else context.stdout.write(table(context, breakers));
      return undefined;
    }),
  );
}

function addShow(breaker: Command, context: CliContext): void {
  const command = defineCommand(breaker, "show <agent>", {
    summary: "show the breaker of one agent",
    description: "Shows the breaker of one agent, by id or name.",
    examples: [["muster breaker show reviewer", "its state, since when, why and until when"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([word = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      print(context, options, await client.breakers.get(await findAgentId(client, word)));
      return undefined;
    }),
  );
}

function addOpen(breaker: Command, context: CliContext): void {
  const command = defineCommand(breaker, "open <agent>", {
    summary: "give an agent no more work",
    description:
      "Opens the breaker of an agent, by id or name: what it works on it may finish, and it gets nothing more. Tasks that fail on it meanwhile go to other agents at no cost.",
    examples: [
      ['muster breaker open reviewer --reason "bad answers"', "until `muster breaker close reviewer`"],
      ['muster breaker open reviewer --reason "rate limit" --for 10m', "then one task probes it"],
    ],
  });
  withServer(withJson(command))
    .addOption(reasonOption().makeOptionMandatory())
    .addOption(duration("--for <duration>", "one task probes it after this long (default: it stays open)"));
  act<Options & { reason: string; for?: number }>(command, context, async ([word = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const forMs = options.for === undefined ? {} : { forMs: options.for };
      const agentId = await findAgentId(client, word);
      print(context, options, await client.breakers.open(agentId, { reason: options.reason, ...forMs }));
      return undefined;
    }),
  );
}

function addClose(breaker: Command, context: CliContext): void {
  const command = defineCommand(breaker, "close <agent>", {
    summary: "give an agent work again",
    description:
      "Closes the breaker of an agent, by id or name. What it did before is not held against it any more.",
    examples: [['muster breaker close reviewer --reason "new key"', "it may get the next task"]],
  });
  withServer(withJson(command)).addOption(reasonOption());
  act<Options & { reason?: string }>(command, context, async ([word = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const reason = options.reason === undefined ? {} : { reason: options.reason };
      const agentId = await findAgentId(client, word);
      print(context, options, await client.breakers.close(agentId, reason));
      return undefined;
    }),
  );
}

const reasonOption = (): Option =>
  new Option("--reason <text>", "why, for whoever sees it").argParser((text: string) => {
    if (text.trim() !== "") return text;
    throw new CliError("--reason wants a text that says why");
  });

const causes: Record<NonNullable<Breaker["cause"]>, string> = {
  failures: "it failed several times in a row",
  rate: "too many of its tasks failed",
  timeouts: "it only timed out",
  probe: "its probe failed",
  operator: "opened by hand",
};

/** When it gets work, in words. */
function nextOf(breaker: Breaker, nowMs: number): string {
  if (breaker.state === "closed") return "";
  if (breaker.state === "half_open")
    return breaker.probing ? "a probe is under way" : "the next task probes it";
  if (breaker.retryAt === null) return "stays open until it is closed";
  return `probed in ${formatDuration(Date.parse(breaker.retryAt) - nowMs)}`;
}

function whyOf({ cause, by, reason }: Breaker): string {
  const hand = by === null ? [] : [`by ${by}`];
  return [...(cause === null ? [] : [causes[cause]]), ...hand, ...(reason === null ? [] : [reason])].join(
    ", ",
  );
}

function styleOf({ stdout: { colors } }: CliContext, { state }: Breaker): (text: string) => string {
  return { closed: colors.green, open: colors.red, half_open: colors.yellow }[state];
}

function table(context: CliContext, breakers: readonly Breaker[]): string {
  const now = context.now();
  return renderTable(
    [
      { title: "AGENT", value: (one) => one.agent, shrinks: true },
      { title: "ID", value: (one) => one.agentId },
      { title: "STATE", value: (one) => one.state, style: (text, one) => styleOf(context, one)(text) },
      { title: "FAILURES", value: (one) => String(one.failures), align: "right" },
      { title: "SINCE", value: (one) => formatAge(one.changedAt, now), optional: true },
      { title: "NEXT", value: (one) => nextOf(one, now), shrinks: true },
      { title: "WHY", value: whyOf, shrinks: true },
    ],
    breakers,
    context.stdout.columns(),
    context.stdout.colors.dim,
  );
}

function print(context: CliContext, options: Options, breaker: Breaker): void {
  if (options.json) {
    printJson(context, breaker);
    return;
  }
  const now = context.now();
  context.stdout.write(
    describeFields(context.stdout.colors, [
      ["agent", `${breaker.agent} (${breaker.agentId})`],
      ["state", breaker.state, styleOf(context, breaker)],
      ["since", formatAge(breaker.changedAt, now)],
      ["why", whyOf(breaker)],
      ["next", nextOf(breaker, now)],
      ["failures in a row", String(breaker.failures)],
      ["time-outs", breaker.timeouts === 0 ? null : String(breaker.timeouts)],
      ["opened in a row", breaker.openings === 0 ? null : String(breaker.openings)],
    ]),
  );
}
