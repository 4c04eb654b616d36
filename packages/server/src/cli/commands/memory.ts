import type { Memory, MemoryMetadata, MemoryPlace, MemoryScope, RecalledMemory } from "@muster/sdk/protocol";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import {
  act,
  defineCommand,
  defineGroup,
  duration,
  wholeNumber,
  withJson,
  withServer,
} from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { formatAge } from "../render/format-duration.ts";
import { printable } from "../render/printable.ts";
import { renderTable } from "../render/table.ts";

interface MemoryOptions extends ConnectOptions {
  json?: boolean;
  agent?: string;
  project?: string;
}
interface ListOptions extends MemoryOptions {
  scope?: MemoryScope;
  limit?: number;
}

/** What agents and people found worth remembering, from the command line. */
export function addMemoryCommand(program: Command, context: CliContext): void {
  const memory = defineGroup(program, "memory", "remember, find and forget what agents know");
  addList(memory, context);
  addSearch(memory, context);
  addAdd(memory, context);
  addForget(memory, context);
  addExport(memory, context);
}

const withPlace = (command: Command): Command =>
  withServer(withJson(command))
    .option("--agent <name>", "memories of this agent (for admins)")
    .option("--project <name>", "memories of this project");

const scopeOption = (): Option =>
  new Option("--scope <scope>", "only of this scope").choices(["agent", "project", "global"]);

const placeOf = ({ agent, project }: MemoryOptions) => ({
  ...(agent === undefined ? {} : { agent }),
  ...(project === undefined ? {} : { project }),
});

const filterOf = ({ scope, ...options }: ListOptions) => ({
  ...placeOf(options),
  ...(scope === undefined ? {} : { scope }),
});

/** Whose a memory is, in a word. */
const ownerOf = ({ scope, agent, project }: Memory): string => {
  const name = agent ?? project;
  return name === null ? scope : `${scope} ${name}`;
};

function addList(memory: Command, context: CliContext): void {
  const command = defineCommand(memory, "list", {
    summary: "list memories, newest first",
    examples: [
      ["muster memory list", "of the whole tenant"],
      ["muster memory list --project shop --scope project", "of one project alone"],
    ],
  });
  withPlace(command)
    .addOption(scopeOption())
    .addOption(wholeNumber("--limit <number>", "at most so many (default: 50)", 1, 500));
  act<ListOptions>(command, context, async (_, options) =>
    withConnection(connect(context, options), async (client) => {
      const page = await client.memory.list({ ...filterOf(options), limit: options.limit ?? 50 });
      if (options.json) printJson(context, page);
      else if (page.items.length === 0) context.stderr.write("no memory fits\n");
      else context.stdout.write(table(context, page.items));
      if (page.next !== null && !options.json) {
        context.stderr.write("there are more; raise --limit, or see all: muster memory export\n");
      }
      return undefined;
    }),
  );
}

function table(context: CliContext, memories: readonly Memory[]): string {
  return renderTable<Memory>(
    [
      { title: "ID", value: (one) => one.id },
      { title: "WHOSE", value: (one) => printable(ownerOf(one)), shrinks: true },
      { title: "TEXT", value: (one) => printable(one.text), shrinks: true },
      { title: "AGE", value: (one) => formatAge(one.updatedAt, context.now()) },
      { title: "USES", value: (one) => String(one.uses), align: "right" },
    ],
    memories,
    context.stdout.columns(),
    context.stdout.colors.dim,
  );
}

function addSearch(memory: Command, context: CliContext): void {
  const command = defineCommand(memory, "search <question...>", {
    summary: "find memories by their words and their meaning",
    description:
      "Finds global memories, and those of the project and the agent that are named. With quotation marks around words, or a minus before one, the question is taken literally.",
    examples: [
      ["muster memory search how do we deploy", "the best ten"],
      [`muster memory search '"blue green" -staging' --project shop`, "word for word"],
    ],
  });
  withPlace(command).addOption(wholeNumber("--limit <number>", "the best so many (default: 10)", 1, 50));
  act<MemoryOptions & { limit?: number }>(command, context, async (words, options) =>
    withConnection(connect(context, options), async (client) => {
      const { limit = 10 } = options;
      const found = await client.memory.recall({ query: words.join(" "), ...placeOf(options), limit });
      if (options.json) printJson(context, found);
      else {
        for (const item of found.items) context.stdout.write(describe(item));
        if (found.items.length === 0) context.stderr.write("nothing is known of it\n");
        if (found.note !== null) context.stderr.write(`note: ${found.note}\n`);
      }
      return undefined;
    }),
  );
}

function describe({ memory, similarity }: RecalledMemory): string {
  const alike = similarity === null ? "" : `, similarity ${similarity.toFixed(2)}`;
  return `${printable(memory.text)}\n    ${memory.id}, ${printable(ownerOf(memory))}${alike}\n`;
}

function addAdd(memory: Command, context: CliContext): void {
  const command = defineCommand(memory, "add <text...>", {
    summary: "remember a text",
    description:
      "Remembers a text: globally, or for the project or agent that is named. The same text again brings it up to date.",
    examples: [
      ["muster memory add 'we deploy on Tuesdays' --project shop", "for whoever works on the project"],
      [`muster memory add 'the token expires soon' --metadata '{"system": "ci"}' --ttl 7d`, "for a week"],
    ],
  });
  withPlace(command)
    .option("--metadata <json>", "facts to filter by, as a JSON object")
    .addOption(duration("--ttl <duration>", "forget it after this long"));
  act<MemoryOptions & { metadata?: string; ttl?: number }>(command, context, async (words, options) => {
    const { metadata, ttl } = options;
    const facts = metadata === undefined ? {} : { metadata: await readMetadata(metadata) };
    return withConnection(connect(context, options), async (client) => {
      const request = { text: words.join(" "), ...placeOf(options), ...facts };
      const answer = await client.memory.remember({
        ...request,
        ...(ttl === undefined ? {} : { ttlMs: ttl }),
      });
      if (options.json) printJson(context, answer);
      else
        context.stdout.write(
          `${answer.created ? "remembered" : "knew that, brought up to date"}: ${answer.memory.id}\n`,
        );
      return undefined;
    });
  });
}

async function readMetadata(text: string): Promise<MemoryMetadata> {
  const { parseJson } = await import("../read-json.ts");
  const value = parseJson(text, "--metadata");
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as MemoryMetadata;
  throw new CliError('--metadata is no JSON object, such as {"system": "ci"}');
}

function addForget(memory: Command, context: CliContext): void {
  const command = defineCommand(memory, "forget [id]", {
    summary: "forget one memory, or all of a project or agent",
    examples: [
      ["muster memory forget 0199a0c4-3c5e-7d11-8f4e-52a1b6f0c9d2", "one, by its id"],
      ["muster memory forget --all --project shop", "all of a project"],
      ["muster memory forget --all --global", "all that belong to nobody in particular"],
    ],
  });
  withPlace(command)
    .option("--all", "all memories of the project or agent that is named, or of --global")
    .option("--global", "with --all: those that belong to no project and no agent");
  act<MemoryOptions & { all?: boolean; global?: boolean }>(command, context, async ([id], options) => {
    const place = wholePlace(id, options);
    return withConnection(connect(context, options), async (client) => {
      const forgotten =
        place === null
          ? Number(await client.memory.forget(id as string))
          : await client.memory.forgetAll(place);
      if (options.json) printJson(context, { forgotten });
      else context.stdout.write(forgotten === 1 ? "forgot 1 memory\n" : `forgot ${forgotten} memories\n`);
      return place === null && forgotten === 0 ? exitCodes.failed : undefined;
    });
  });
}

/** The place all of which is to be forgotten; null where one memory is named. */
function wholePlace(
  id: string | undefined,
  { all, global, agent, project }: MemoryOptions & { all?: boolean; global?: boolean },
): MemoryPlace | null {
  if ((id === undefined) === (all === undefined))
    throw new CliError("name one memory by its id, or --all with --project, --agent or --global");
  if (id !== undefined) return null;
  const places: MemoryPlace[] = [
    ...(agent === undefined ? [] : [{ scope: "agent", agent } as const]),
    ...(project === undefined ? [] : [{ scope: "project", project } as const]),
    ...(global ? [{ scope: "global" } as const] : []),
  ];
  const [place, another] = places;
  if (place === undefined || another !== undefined)
    throw new CliError("--all needs exactly one of --project, --agent and --global");
  return place;
}

function addExport(memory: Command, context: CliContext): void {
  const command = defineCommand(memory, "export", {
    summary: "print every memory as a line of JSON",
    examples: [
      ["muster memory export > memories.jsonl", "everything of the tenant"],
      ["muster memory export --agent coder", "what one agent knows, and what is global"],
    ],
  });
  withPlace(command).addOption(scopeOption());
  act<ListOptions>(command, context, async (_, options) =>
    withConnection(connect(context, options), async (client) => {
      for await (const one of client.memory.export(filterOf(options)))
        context.stdout.write(`${JSON.stringify(one)}\n`);
      return undefined;
    }),
  );
}
