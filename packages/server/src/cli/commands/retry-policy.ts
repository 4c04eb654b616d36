import type { Backoff, RetryPolicy, RetryPolicySetting, RetryPolicyUpdate } from "@muster/sdk/protocol";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { type ConnectOptions, connect, connectOrOpen, withConnection } from "../connect/connect.ts";
import {
  act,
  defineCommand,
  defineGroup,
  duration,
  repeatable,
  wholeNumber,
  withJson,
  withServer,
} from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { describeFields } from "../render/describe-fields.ts";
import { renderTable } from "../render/table.ts";

type Options = ConnectOptions & { json?: boolean; tenant?: string };
interface SetOptions extends Options {
  attempts?: number;
  backoff?: Backoff;
  delay?: number;
  factor?: number;
  maxDelay?: number;
  jitter?: number | "full";
  never?: string[];
  always?: string[];
  budget?: number;
  share?: number;
}

export function addRetryPolicyCommand(program: Command, context: CliContext): void {
  const group = defineGroup(program, "retry-policy", "say when and how often a capability is tried again");
  addList(group, context);
  addShow(group, context);
  addSet(group, context);
  addRemove(group, context);
}

function addList(group: Command, context: CliContext): void {
  const command = defineCommand(group, "list", {
    summary: "list what is set",
    examples: [["muster retry-policy list", "for all tenants and for this one"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async (_, options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const settings = await client.retryPolicies.list();
      if (options.json) printJson(context, settings);
      else if (settings.length === 0) context.stderr.write("nothing is set; agents and defaults decide\n");
      else context.stdout.write(table(context, settings));
      return undefined;
    }),
  );
}

function table(context: CliContext, settings: readonly RetryPolicySetting[]): string {
  return renderTable(
    [
      { title: "CAPABILITY", value: (one) => one.capability, shrinks: true },
      { title: "TENANT", value: (one) => one.tenant },
      { title: "POLICY", value: (one) => wordsOf(one.policy), shrinks: true },
      { title: "BUDGET", value: (one) => wordsOf(one.budget ?? {}), shrinks: true },
      { title: "BY", value: (one) => one.setBy, shrinks: true, optional: true },
    ],
    settings,
    context.stdout.columns(),
    context.stdout.colors.dim,
  );
}

const wordsOf = (members: object): string =>
  Object.entries(members)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(" ");

const describe = (context: CliContext, one: RetryPolicySetting): string =>
  describeFields(context.stdout.colors, [
    ["capability", one.capability],
    ["tenant", one.tenant === "*" ? "* (all that have nothing of their own)" : one.tenant],
    ["policy", wordsOf(one.policy)],
    ["budget", wordsOf(one.budget ?? {})],
    ["set", `${one.setAt} by ${one.setBy}`],
  ]);

const withTenant = (command: Command): Command =>
  withServer(withJson(command)).option("--tenant <name>", "for this tenant; with a key of all tenants");

function addShow(group: Command, context: CliContext): void {
  const command = defineCommand(group, "show <capability>", {
    summary: "show what holds for a capability",
    examples: [["muster retry-policy show code_review", "what is set for this tenant, or for all"]],
  });
  withTenant(command);
  act<Options>(command, context, async ([capability = ""], options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const found = await client.retryPolicies.get(capability, tenantOf(options));
      if (options.json) printJson(context, found);
      else context.stdout.write(describe(context, found));
      return undefined;
    }),
  );
}

const tenantOf = ({ tenant }: Options) => (tenant === undefined ? {} : { tenant });

function addSet(group: Command, context: CliContext): void {
  const command = defineCommand(group, "set <capability>", {
    summary: "set the policy, the budget or both",
    description:
      "Sets what holds for retries of a capability, in place of what was set before. It goes before what agents say, and behind what a task says.",
    examples: [
      ["muster retry-policy set translate --attempts 6 --backoff linear --delay 5s", "more patience"],
      ["muster retry-policy set pay --never agent_lost --never timeout", "what must not happen twice"],
      [
        "muster retry-policy set crawl --budget 30 --share 0.1",
        "30 retries a minute, and one per ten results",
      ],
    ],
  });
  withTenant(command)
    .addOption(wholeNumber("--attempts <number>", "attempts in total", 1, 100))
    .addOption(
      new Option("--backoff <kind>", "how delays grow").choices(["exponential", "linear", "constant"]),
    )
    .addOption(duration("--delay <duration>", "delay before the second attempt"))
    .addOption(decimal("--factor <number>", "growth of an exponential backoff, 1 to 10", 1, 10))
    .addOption(duration("--max-delay <duration>", "no delay is longer"))
    .addOption(jitter())
    .addOption(repeatable("--never <code>", "an error after which nothing is tried again (repeatable)"))
    .addOption(
      repeatable("--always <code>", "an error after which it is tried again in any case (repeatable)"),
    )
    .addOption(wholeNumber("--budget <number>", "retries a minute that are always possible", 1, 1_000_000))
    .addOption(decimal("--share <number>", "further retries per completed task, 0 to 10", 0, 10));
  act<SetOptions>(command, context, async ([capability = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const set = await client.retryPolicies.set(capability, updateOf(options));
      if (options.json) printJson(context, set);
      else context.stdout.write(describe(context, set));
      return undefined;
    }),
  );
}

function updateOf(options: SetOptions): RetryPolicyUpdate {
  const { attempts, backoff, delay, factor, maxDelay, never, always, budget, share } = options;
  const policy: RetryPolicy = {
    ...(attempts !== undefined && { maxAttempts: attempts }),
    ...(backoff !== undefined && { backoff }),
    ...(delay !== undefined && { delayMs: delay }),
    ...(factor !== undefined && { factor }),
    ...(maxDelay !== undefined && { maxDelayMs: maxDelay }),
    ...(options.jitter !== undefined && { jitter: options.jitter }),
    ...(never !== undefined && { never }),
    ...(always !== undefined && { always }),
  };
  const limit = {
    ...(budget !== undefined && { perMinute: budget }),
    ...(share !== undefined && { share }),
  };
  return {
    ...tenantOf(options),
    ...(Object.keys(policy).length > 0 && { policy }),
    ...(Object.keys(limit).length > 0 && { budget: limit }),
  };
}

function decimal(flags: string, description: string, least: number, most: number): Option {
  return new Option(flags, description).argParser((value: string) => {
    const number = Number(value);
    if (/^\d+(\.\d+)?$/.test(value) && number >= least && number <= most) return number;
    throw new CliError(`${flags.split(" ")[0]} wants a number from ${least} to ${most}, not ${value}`);
  });
}

function jitter(): Option {
  const share = decimal("--jitter <share>", "share by which delays vary, 0 to 1, or full", 0, 1);
  const parseShare = share.parseArg;
  return share.argParser((value: string, before: number | "full" | undefined) =>
    value === "full" ? "full" : (parseShare?.(value, before) as number),
  );
}

function addRemove(group: Command, context: CliContext): void {
  const command = defineCommand(group, "rm <capability>", {
    summary: "leave a capability to its agents and to the defaults again",
    examples: [["muster retry-policy rm translate", "what was set holds no more"]],
  });
  withTenant(command);
  act<Options>(command, context, async ([capability = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const removed = await client.retryPolicies.remove(capability, tenantOf(options));
      if (options.json) printJson(context, removed);
      else context.stdout.write(`nothing is set for ${removed.capability} any more\n`);
      return undefined;
    }),
  );
}
