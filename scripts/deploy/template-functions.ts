import { stringify } from "yaml";

/** What Go calls empty. */
export const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === "" ||
  value === 0 ||
  value === false ||
  (typeof value === "object" && Object.keys(value).length === 0);

/** Go prints a number from 1,000,000 on that came from a YAML file as 1e+06, which Kubernetes takes for a text. */
const exponentFrom = 1_000_000;

/** A value as an action prints it. A list or an object is refused: Go would print it in a way that is no YAML. */
export function print(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (value instanceof Whole) return String(value.value);
  if (typeof value === "number" && Math.abs(value) < exponentFrom) return String(value);
  throw new Error(`can't be printed as Go prints it: ${JSON.stringify(value)}`);
}

/** What `int` and arithmetic make: Go prints it in full. */
class Whole {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

const numberOf = (value: unknown): number => {
  const number = value instanceof Whole ? value.value : value;
  if (typeof number !== "number") throw new Error(`not a number: ${JSON.stringify(value)}`);
  return Math.trunc(number);
};

const indented = (spaces: unknown, text: unknown): string => {
  const margin = " ".repeat(numberOf(spaces));
  return print(text)
    .split("\n")
    .map((line) => margin + line)
    .join("\n");
};

const formatted = (pattern: string, values: readonly unknown[]): string => {
  let next = 0;
  return pattern.replace(/%(.)/g, (_, verb: string) => {
    const value = values[next++];
    if (verb === "s" && typeof value === "string") return value;
    // Go prints a %d of what is no whole number as a complaint.
    if (verb === "d" && value instanceof Whole) return String(value.value);
    throw new Error(`printf can't print ${JSON.stringify(value)} as %${verb}`);
  });
};

/** As Helm writes it: keys in order, lists at the level of their key. */
const toYaml = (value: unknown): string =>
  stringify(value, { lineWidth: 0, sortMapEntries: true, indentSeq: false }).trimEnd();

/** The functions of Go templates, Sprig and Helm that the chart uses. `include` is added where templates are known. */
export const templateFunctions: Readonly<Record<string, (...values: never[]) => unknown>> = {
  and: (...values: unknown[]) => values.find(isEmpty) ?? values.at(-1),
  not: (value: unknown) => isEmpty(value),
  default: (fallback: unknown, value: unknown) => (isEmpty(value) ? fallback : value),
  required: (complaint: string, value: unknown) => {
    if (isEmpty(value)) throw new Error(complaint);
    return value;
  },
  quote: (value: unknown) => JSON.stringify(print(value)),
  int: (value: unknown) => new Whole(numberOf(value)),
  add: (a: unknown, b: unknown) => new Whole(numberOf(a) + numberOf(b)),
  div: (a: unknown, b: unknown) => new Whole(Math.trunc(numberOf(a) / numberOf(b))),
  list: (...values: unknown[]) => values,
  printf: (pattern: string, ...values: unknown[]) => formatted(pattern, values),
  contains: (part: string, text: string) => text.includes(part),
  trunc: (length: unknown, text: string) => text.slice(0, numberOf(length)),
  trimSuffix: (suffix: string, text: string) =>
    text.endsWith(suffix) ? text.slice(0, -suffix.length) : text,
  nindent: (spaces: unknown, text: unknown) => `\n${indented(spaces, text)}`,
  toYaml,
};
