import type { Agent, AgentStatus } from "@muster/sdk/protocol";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { closestWord } from "../closest-word.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand, withJson, withServer } from "../define-command.ts";
import { findAgent } from "../find-agent.ts";
import { printJson } from "../print-json.ts";
import { describeFields } from "../render/describe-fields.ts";
import { formatAge } from "../render/format-duration.ts";
import { statusStyle } from "../render/status-style.ts";
import { type Column, renderTable } from "../render/table.ts";

import { addAgentsCheckCommand } from "./agents-check.ts";

interface Filter {
  capability?: string;
  status?: AgentStatus;
  name?: string;
  find?: string;
}
type Options = ConnectOptions & { json?: boolean };

export function addAgentsCommand(program: Command, context: CliContext): void {
  const agents = withList(
    defineCommand(program, "agents", {
      summary: "list agents, look at one, take one out of discovery",
      description:
        "Lists the agents that are connected, least loaded first; sub-commands look at one of them.",
      examples: [
        ["muster agents", "every live agent with load, health and capabilities"],
        ["muster agents --capability code_review", "who can do this"],
        ['muster agents --find "look over my changes"', "who fits these words or what they mean, best first"],
        [
          "muster agents maintenance reviewer",
          "give it no more work, until `muster agents available reviewer`",
        ],
      ],
    }),
  )
    .usage("[options] [command]")
    .argument("[command]")
    .helpCommand(false)
    .enablePositionalOptions();
  act<Options & Filter>(agents, context, async ([word], options) => {
    if (word === undefined) return listAgents(context, options);
    const meant = closestWord(word, ["list", "show", "maintenance", "available", "check"]);
    throw new CliError(`unknown command agents ${word}`, {
      hint: meant ? `did you mean agents ${meant}?` : "see `muster agents --help`",
    });
  });
  const list = defineCommand(agents, "list", {
    summary: "list agents",
    examples: [["muster agents list --status available", "those that may get work"]],
  });
  act<Options & Filter>(withList(list), context, (_, options) => listAgents(context, options));
  addShow(agents, context);
  addAgentsCheckCommand(agents, context);
  addSetStatus(agents, context, "maintenance", "take an agent out of discovery");
  addSetStatus(agents, context, "available", "bring an agent back into discovery");
}

function withList(command: Command): Command {
  return withServer(withJson(command))
    .option("--capability <name>", "only agents that offer this")
    .addOption(
      new Option("--status <status>", "only agents in this status").choices([
        "available",
        "busy",
        "offline",
        "maintenance",
      ]),
    )
    .option("--name <name>", "only agents of this name")
    .option("--find <words>", "only agents that fit what is to be done, by words and by meaning, best first");
}

async function listAgents(context: CliContext, options: Options & Filter): Promise<number | undefined> {
  return withConnection(connect(context, options), async (client) => {
    const { capability, status, name, find } = options;
    const filtered = [capability, status, name, find].some((each) => each !== undefined);
    const agents = await client.agents.list({
      ...(capability !== undefined && { capability }),
      ...(status !== undefined && { status }),
      ...(name !== undefined && { name }),
      ...(find !== undefined && { query: find }),
    });
    if (options.json) printJson(context, agents);
    else if (agents.length === 0)
      context.stderr.write(`no agent is connected${filtered ? " that fits" : ""}\n`);
    else context.stdout.write(table(context, agents));
    return undefined;
  });
}

const versionColumn: Column<Agent> = {
  title: "VERSION",
  value: (agent) => agent.version ?? "",
  optional: true,
};

function table(context: CliContext, agents: readonly Agent[]): string {
  const { colors } = context.stdout;
  return renderTable(
    [
      { title: "NAME", value: (agent) => agent.name, shrinks: true },
      { title: "ID", value: (agent) => agent.id },
      ...(agents.some(({ version }) => version !== undefined) ? [versionColumn] : []),
      { title: "TYPE", value: (agent) => agent.type, optional: true },
      {
        title: "STATUS",
        value: (agent) => agent.status,
        style: (text, agent) => statusStyle(colors, agent.status)(text),
      },
      { title: "LOAD", value: (agent) => `${agent.load}/${agent.maxConcurrency}`, align: "right" },
      {
        title: "HEALTH",
        value: (agent) => agent.healthScore.toFixed(2),
        align: "right",
        style: (text, agent) => (agent.healthScore < 0.7 ? colors.red(text) : text),
      },
      {
        title: "BREAKER",
        value: (agent) => agent.breaker ?? "closed",
        style: (text, agent) => ((agent.breaker ?? "closed") === "closed" ? text : colors.red(text)),
        optional: true,
      },
      {
        title: "CAPABILITIES",
        value: (agent) => agent.capabilities.map((one) => one.name).join(", "),
        shrinks: true,
      },
    ],
    agents,
    context.stdout.columns(),
    colors.dim,
  );
}

function addShow(agents: Command, context: CliContext): void {
  const command = defineCommand(agents, "show <agent>", {
    summary: "show one agent",
    description: "Shows one agent, by id or name, with its capabilities.",
    examples: [["muster agents show reviewer --json", "everything that is known of it, as JSON"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([word = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const agent = await findAgent(client, word);
      if (options.json) printJson(context, agent);
      else context.stdout.write(describe(context, agent));
      return undefined;
    }),
  );
}

function describe(context: CliContext, agent: Agent): string {
  const { colors } = context.stdout;
  return describeFields(colors, [
    ["name", agent.name],
    ["id", agent.id],
    ["version", agent.version ?? null],
    ["type", agent.type],
    ["about", agent.description],
    ["status", agent.status, statusStyle(colors, agent.status)],
    ["load", `${agent.load} of ${agent.maxConcurrency}`],
    ["health", agent.healthScore.toFixed(2)],
    ["breaker", agent.breaker ?? null],
    ["last seen", formatAge(agent.lastSeen, context.now())],
    ...agent.capabilities.map(
      (one) => ["capability", one.description ? `${one.name}: ${one.description}` : one.name] as const,
    ),
  ]);
}

function addSetStatus(
  agents: Command,
  context: CliContext,
  status: "available" | "maintenance",
  summary: string,
): void {
  const command = defineCommand(agents, `${status} <agent>`, {
    summary,
    description: `${summary.charAt(0).toUpperCase()}${summary.slice(1)}, by id or name.`,
    examples: [[`muster agents ${status} reviewer`, "what it is doing it may finish"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([word = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const agent = await client.agents.setStatus((await findAgent(client, word)).id, status);
      if (options.json) printJson(context, agent);
      else context.stdout.write(`${agent.name} (${agent.id}) is ${agent.status}\n`);
      return undefined;
    }),
  );
}
