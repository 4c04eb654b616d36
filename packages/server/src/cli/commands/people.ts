import type { Person, PersonRegistration, WorkingHours } from "@muster/sdk/protocol";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { type ConnectOptions, connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand, defineGroup, repeatable, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { renderTable } from "../render/table.ts";

type Options = ConnectOptions & { json?: boolean };
interface AddOptions extends Options {
  capability?: string[];
  capabilities?: string;
  description?: string;
  hours?: string;
  timezone?: string;
  days?: string;
  tenant?: string;
}

export function addPeopleCommand(program: Command, context: CliContext): void {
  const people = defineGroup(program, "people", "add, list and remove people, who are agents too");
  addAdd(people, context);
  addList(people, context);
  addRemove(people, context);
}

function addAdd(people: Command, context: CliContext): void {
  const command = defineCommand(people, "add <name>", {
    summary: "add a person, or change what is said of one",
    description:
      "Adds a person: tasks for their capabilities and questions to them wait in their inbox. The same name again replaces what was said.",
    examples: [
      ["muster people add anna --capability legal_review", "who may review contracts"],
      [
        "muster people add ben --hours 09:00-17:30 --timezone Europe/Berlin --days 1-5",
        "who is not reminded at night",
      ],
    ],
  });
  withServer(withJson(command))
    .addOption(repeatable("--capability <name>", "what the person can do; may be repeated"))
    .option("--capabilities <file>", "capabilities with their schemas, as a JSON file")
    .option("--description <text>", "for others to read")
    .option("--hours <from-to>", "working hours, such as 09:00-17:30")
    .option("--timezone <zone>", "of the working hours, such as Europe/Berlin (default: UTC)")
    .option("--days <days>", "of the working hours: 1 for Monday to 7, such as 1-5 (default) or 1,3,5")
    .option("--tenant <tenant>", "whose work it is (default: that of the caller)");
  act<AddOptions>(command, context, async ([name = ""], options) => {
    const registration = await registrationOf(context, name, options);
    return withConnection(connectOrOpen(context, options), async (client) => {
      const person = await client.people.put(registration);
      if (options.json) printJson(context, person);
      else context.stdout.write(`${person.name} (${person.id})\n`);
      return undefined;
    });
  });
}

async function registrationOf(
  context: CliContext,
  name: string,
  options: AddOptions,
): Promise<PersonRegistration> {
  const { capability = [], capabilities: file, description, tenant } = options;
  const hours = hoursOf(options);
  const named = capability.map((skill) => ({ name: skill }));
  const described = file === undefined ? [] : await readCapabilities(context, file);
  return {
    name,
    capabilities: [...named, ...described],
    ...(description !== undefined && { description }),
    ...(hours !== undefined && { hours }),
    ...(tenant !== undefined && { tenant }),
  };
}

async function readCapabilities(context: CliContext, file: string) {
  const { readJsonText } = await import("../read-json.ts");
  const list = await readJsonText(context, file);
  if (Array.isArray(list)) return list as NonNullable<PersonRegistration["capabilities"]>;
  throw new CliError(`${file} holds no list of capabilities`, {
    hint: 'For example: [{"name": "legal_review", "outputSchema": {"type": "object"}}]',
  });
}

function hoursOf({ hours, timezone = "UTC", days = "1-5" }: AddOptions): WorkingHours | undefined {
  if (hours === undefined) return undefined;
  const [, from, to] = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(hours) ?? [];
  if (from === undefined || to === undefined)
    throw new CliError(`--hours wants a time like 09:00-17:30, not ${hours}`);
  return { timezone, days: daysOf(days), from, to };
}

function daysOf(text: string): number[] {
  const days = new Set<number>();
  for (const part of text.split(",")) {
    const [, first, last = first] = /^([1-7])(?:-([1-7]))?$/.exec(part) ?? [];
    if (first === undefined || Number(first) > Number(last))
      throw new CliError(`--days wants days like 1-5 or 1,3,5 (1 is Monday), not ${text}`);
    for (let day = Number(first); day <= Number(last); day++) days.add(day);
  }
  return [...days].sort();
}

function addList(people: Command, context: CliContext): void {
  const command = defineCommand(people, "list", {
    summary: "list people",
    examples: [["muster people list", "who there is, what they can do, and who is at work"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async (_, options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const list = await client.people.list();
      if (options.json) printJson(context, list);
      else if (list.length === 0) context.stderr.write("nobody was added yet: muster people add NAME\n");
      else context.stdout.write(table(context, list));
      return undefined;
    }),
  );
}

function table(context: CliContext, people: readonly Person[]): string {
  return renderTable(
    [
      { title: "NAME", value: (person) => person.name },
      { title: "TENANT", value: (person) => person.tenant, optional: true },
      {
        title: "CAN DO",
        value: (person) => person.capabilities.map(({ name }) => name).join(", "),
        shrinks: true,
      },
      { title: "HOURS", value: hoursText, shrinks: true },
      { title: "NOW", value: (person) => (person.atWork ? "at work" : "away") },
    ],
    people,
    context.stdout.columns(),
    context.stdout.colors.dim,
  );
}

const hoursText = ({ hours }: Person): string =>
  hours === null ? "always" : `${hours.from}-${hours.to} ${hours.timezone}, days ${hours.days.join(",")}`;

function addRemove(people: Command, context: CliContext): void {
  const command = defineCommand(people, "remove <name>", {
    summary: "remove a person",
    description: "Removes a person. Their keys are good for nothing in the inbox from now on.",
    examples: [["muster people remove anna", "by name or id"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([name = ""], options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const person = await client.people.remove(name);
      if (options.json) printJson(context, person);
      else context.stdout.write(`removed ${person.name} (${person.id})\n`);
      return undefined;
    }),
  );
}
