import type { Agent } from "@muster/sdk/protocol";
import { exitCodes } from "../cli-error.ts";
import { printJson } from "../print-json.ts";
import { readCliConfig } from "../read-cli-config.ts";
import { cutText } from "../render/fit-line.ts";
import { printable } from "../render/printable.ts";
import { findWorkflows } from "./find-workflows.ts";
import type { GoalCommand } from "./run-goal.ts";
import { shellWord } from "./shell-word.ts";

/** What somebody who has a goal could start, and what it lacks. */
export interface Nearest {
  kind: "workflow" | "capability";
  name: string;
  /** What a workflow calls itself. */
  title?: string;
  description: string;
  /** Inputs that have no value yet, with what they are. */
  missing: { name: string; what: string }[];
  /** The line to type. */
  command: string;
}

const mostOffered = 3;
const mostCandidates = 1_000;
const descriptionLength = 100;

/**
 * Where nobody plans: the registered workflows and capabilities that are nearest to the words, with what each still
 * needs. Nothing is started, and no more is claimed than that they are near.
 */
export async function offerNearest(
  command: GoalCommand,
  agents: readonly Agent[],
  { why, isEmbedded }: { why: string; isEmbedded: boolean },
): Promise<number> {
  const { context, goal, options } = command;
  const candidates = [...(await workflowsOf(command)), ...capabilitiesOf(command, agents)].slice(
    0,
    mostCandidates,
  );
  const { config } = await readCliConfig(context);
  const { matchWords } = await context.goals();
  const texts = candidates.map(({ name, title = "", description }) => `${name} ${title} ${description}`);
  const byMeaning = config.embeddings === undefined || config.embeddings === "local";
  const scores = await matchWords(goal, texts, { byMeaning });
  const nearest = candidates
    .map((candidate, index) => ({ candidate, score: scores[index] ?? 0 }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, mostOffered)
    .map(({ candidate }) => candidate);
  const needsServer = isEmbedded && nearest.some(({ kind }) => kind === "capability");
  if (options.json) printJson(context, { status: "no_planner", goal, reason: why, nearest });
  else tell(command, nearest, { why, needsServer });
  return exitCodes.misused;
}

function tell(
  { context, goal }: GoalCommand,
  nearest: readonly Nearest[],
  { why, needsServer }: { why: string; needsServer: boolean },
): void {
  const { stderr } = context;
  const line = (text: string) => stderr.write(`${text}\n`);
  line(`${stderr.colors.yellow("no plan:")} ${printable(why)}`);
  if (nearest.length === 0) {
    line(`nothing that is registered here has to do with "${printable(goal)}"`);
    line(
      "nothing was started; `muster agents` lists what there is, `muster agents --help` how to look for it",
    );
    return;
  }
  line("nearest to it, of what is registered here:");
  for (const { kind, name, description, missing, command } of nearest) {
    const about = description === "" ? "" : `: ${cutText(printable(description), descriptionLength)}`;
    line(`\n  ${stderr.colors.bold(`${kind} ${printable(name)}`)}${about}`);
    for (const { name: input, what } of missing)
      line(
        `    missing: ${printable(input)}${what === "" ? "" : ` (${cutText(printable(what), descriptionLength)})`}`,
      );
    line(`    $ ${printable(command)}`);
  }
  if (needsServer) line("\ntasks are handed in to a server: `muster up` starts one");
  line("\nnothing was started");
}

async function workflowsOf({ context, inputs }: GoalCommand): Promise<Nearest[]> {
  const found = await findWorkflows(context);
  return found.map(({ file, workflow }) => {
    const { properties = {}, required = [] } = workflow.inputs as Shape;
    const given = Object.keys(inputs).filter((name) => Object.hasOwn(properties, name));
    const lacking = required.filter((name) => !Object.hasOwn(inputs, name));
    const words = [
      ...given.map((name) => `--input ${shellWord(`${name}=${textOf(inputs[name])}`)}`),
      ...lacking.map((name) => `--input ${name}=…`),
    ];
    return {
      kind: "workflow",
      name: file,
      title: workflow.name,
      description: workflow.description || workflow.name,
      missing: lacking.map((name) => ({ name, what: whatIs(properties[name]) })),
      command: ["muster run", shellWord(file), ...words].join(" "),
    };
  });
}

interface Shape {
  properties?: Record<string, unknown>;
  required?: string[];
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

function whatIs(schema: unknown): string {
  const { description, type } = (schema ?? {}) as { description?: unknown; type?: unknown };
  return [type, description].filter((word) => typeof word === "string").join(": ");
}

/** Each capability once, whoever offers it. */
function capabilitiesOf({ inputs }: GoalCommand, agents: readonly Agent[]): Nearest[] {
  const found = new Map<string, Nearest>();
  for (const agent of agents)
    for (const { name, description, inputSchema } of agent.capabilities) {
      if (found.has(name)) continue;
      const { properties = {}, required = [] } = (
        typeof inputSchema === "object" ? inputSchema : {}
      ) as Shape;
      const lacking = required.filter((input) => !Object.hasOwn(inputs, input));
      const known = Object.fromEntries(
        Object.entries(inputs).filter(
          ([input]) => inputSchema === undefined || Object.hasOwn(properties, input),
        ),
      );
      const shown = { ...known, ...Object.fromEntries(lacking.map((input) => [input, "…"])) };
      found.set(name, {
        kind: "capability",
        name,
        description: description ?? agent.description,
        missing: lacking.map((input) => ({ name: input, what: whatIs(properties[input]) })),
        command: `muster task submit --capability ${shellWord(name)} --input ${shellWord(JSON.stringify(shown))} --wait`,
      });
    }
  return [...found.values()];
}
