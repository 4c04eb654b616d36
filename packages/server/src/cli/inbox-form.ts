import type { InboxItem } from "@muster/sdk/protocol";
import type { CliContext } from "./cli-context.ts";
import { CliError } from "./cli-error.ts";
import { printable } from "./render/printable.ts";

type Schema = Record<string, unknown>;

/** Levels of objects that are asked for field by field; what is deeper is asked for as JSON. */
const mostLevels = 3;
/** Fields of one object that are asked for one by one. */
const mostFields = 40;
/** Choices that are listed. */
const mostChoices = 50;
/** Bytes of one line of an answer. */
const mostLineBytes = 64 * 1024;
/** Lines of one list. */
const mostLines = 500;

const isSchema = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** What a person is asked, line by line. */
interface Form {
  context: CliContext;
  nextLine: () => Promise<string>;
}

/**
 * Asks for the answer to an item, field by field as its JSON Schema says; what a form can't ask for is asked for as JSON.
 * The schema and its texts are an agent's, so that only their printable characters reach the terminal, and no more than a
 * bounded number of them. Whether the answer is right is the server's to say.
 */
export async function askForAnswer(context: CliContext, item: InboxItem): Promise<unknown> {
  const lines = readLines(context);
  const form: Form = { context, nextLine: () => nextOf(lines) };
  try {
    return await askFor(form, item.schema ?? true, item.kind === "approval" ? "" : "answer", mostLevels);
  } finally {
    await lines.return(undefined);
  }
}

async function askFor(form: Form, schema: unknown, label: string, levels: number): Promise<unknown> {
  if (!isSchema(schema)) return askJson(form, label);
  const choices = choicesOf(schema);
  if (choices !== null) return askChoice(form, choices, label);
  if (isSchema(schema.properties) && Object.keys(schema.properties).length <= mostFields && levels > 0)
    return askObject(form, schema, label, levels);
  if (schema.type === "array" && isSchema(schema.items) && isScalar(schema.items))
    return askList(form, schema.items, label);
  if (!isScalar(schema)) return askJson(form, label);
  for (;;) {
    const line = await prompt(form, `${label}${kindOf(schema)}: `);
    const value = readScalar(schema, line);
    if (value !== undefined) return value;
    say(form, `  that is no ${String(schema.type)}`);
  }
}

const isScalar = ({ type }: Schema): boolean =>
  type === "string" || type === "boolean" || type === "number" || type === "integer";

const kindOf = ({ type }: Schema): string =>
  type === "boolean" ? " [y/n]" : type === "string" ? "" : ` (${String(type)})`;

function readScalar({ type }: Schema, line: string): unknown {
  const text = line.trim();
  if (type === "string") return line;
  if (type === "boolean") {
    if (/^(y|yes|true)$/i.test(text)) return true;
    return /^(n|no|false)$/i.test(text) ? false : undefined;
  }
  const number = Number(text);
  if (text === "" || !Number.isFinite(number)) return undefined;
  return type === "integer" && !Number.isInteger(number) ? undefined : number;
}

/** Values to choose from, each with its name; null where the schema names none. */
function choicesOf(schema: Schema): { name: string; value: unknown }[] | null {
  const named = Array.isArray(schema.enum)
    ? schema.enum.map((value) => ({ value, name: textOf(value) ?? JSON.stringify(value) }))
    : ["oneOf", "anyOf"].flatMap((word) => constantsOf(schema[word]));
  return named.length > 0 && named.length <= mostChoices ? named : null;
}

function constantsOf(options: unknown): { name: string; value: unknown }[] {
  if (!Array.isArray(options) || !options.every((one) => isSchema(one) && "const" in one)) return [];
  return (options as Schema[]).map((one) => ({
    value: one.const,
    name: textOf(one.title) ?? textOf(one.const) ?? JSON.stringify(one.const),
  }));
}

async function askChoice(
  form: Form,
  choices: readonly { name: string; value: unknown }[],
  label: string,
): Promise<unknown> {
  for (const [index, { name }] of choices.entries()) say(form, `  ${index + 1}) ${printable(name)}`);
  for (;;) {
    const text = (await prompt(form, `${label} [1-${choices.length}]: `)).trim();
    const chosen = choices[Number(text) - 1] ?? choices.find(({ name }) => name === text);
    if (chosen !== undefined) return chosen.value;
    say(form, "  choose one of these, by its number");
  }
}

async function askObject(form: Form, schema: Schema, label: string, levels: number): Promise<unknown> {
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const answer: [string, unknown][] = [];
  for (const [name, part] of Object.entries(schema.properties as Schema)) {
    const field: Schema = isSchema(part) ? part : {};
    const path = label === "" || label === "answer" ? name : `${label}.${name}`;
    const title = textOf(field.title) ?? path;
    const about = textOf(field.description);
    if (about !== undefined) say(form, `  ${printable(about)}`);
    if (!required.has(name)) {
      const value = await askOptional(form, field, title, levels);
      if (value !== undefined) answer.push([name, value]);
    } else answer.push([name, await askFor(form, field, title, levels - 1)]);
  }
  return Object.fromEntries(answer);
}

/** Undefined: left out. */
async function askOptional(form: Form, schema: Schema, label: string, levels: number): Promise<unknown> {
  if (!isScalar(schema) || choicesOf(schema) !== null) {
    const wants = readScalar({ type: "boolean" }, await prompt(form, `${label}, optional: give it? [y/N]: `));
    return wants === true ? askFor(form, schema, label, levels - 1) : undefined;
  }
  for (;;) {
    const line = await prompt(form, `${label}${kindOf(schema)}, optional: `);
    if (line.trim() === "") return undefined;
    const value = readScalar(schema, line);
    if (value !== undefined) return value;
    say(form, `  that is no ${String(schema.type)}; leave it empty to skip it`);
  }
}

async function askList(form: Form, items: Schema, label: string): Promise<unknown[]> {
  say(form, `${printable(label)}: one in each line, an empty line ends it`);
  const list: unknown[] = [];
  while (list.length < mostLines) {
    const line = await prompt(form, "  - ");
    if (line.trim() === "") break;
    const value = readScalar(items, line);
    if (value === undefined) say(form, `  that is no ${String(items.type)}`);
    else list.push(value);
  }
  return list;
}

async function askJson(form: Form, label: string): Promise<unknown> {
  for (;;) {
    const line = await prompt(form, `${label} (as JSON, on one line): `);
    try {
      return JSON.parse(line);
    } catch (error) {
      say(form, `  that is no JSON: ${printable((error as Error).message)}`);
    }
  }
}

const say = ({ context }: Form, line: string): void => context.stderr.write(`${line}\n`);

function prompt({ context, nextLine }: Form, text: string): Promise<string> {
  context.stderr.write(printable(text));
  return nextLine();
}

async function nextOf(lines: AsyncGenerator<string, void>): Promise<string> {
  const { value, done } = await lines.next();
  if (!done) return value;
  throw new CliError("there is no answer", {
    hint: "Type it, or give it with --answer JSON.",
  });
}

async function* readLines(context: CliContext): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of context.stdin()) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > mostLineBytes)
      throw new CliError(`one line may hold ${mostLineBytes} characters at most`);
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      yield rest.slice(0, end).replace(/\r$/, "");
      rest = rest.slice(end + 1);
    }
  }
  if (rest !== "") yield rest;
}
