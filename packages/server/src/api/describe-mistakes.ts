import type { ErrorObject } from "ajv/dist/2020.js";

/** No answer lists more mistakes than this. */
const mistakesListed = 10;
/** No answer quotes more of a field's name than this. */
const nameQuoted = 100;

export interface Mistakes {
  errors: { path: string; message: string }[];
  /** What to do about the first mistake, where that can be said. */
  hint: string | undefined;
}

/** Turns what a validator found into paths (JSON pointers) and plain words. */
export function describeMistakes(found: readonly ErrorObject[]): Mistakes {
  const parts = found.filter(({ keyword }) => keyword !== "anyOf");
  const relevant = (parts.length > 0 ? parts : found).slice(0, mistakesListed);
  const first = relevant[0];
  return {
    errors: relevant.map((error) => ({ path: pathOf(error), message: messageOf(error) })),
    hint: first === undefined ? undefined : hintOf(first),
  };
}

const short = (name: unknown): string => {
  const text = String(name);
  return text.length > nameQuoted ? `${text.slice(0, nameQuoted)}…` : text;
};

const escapePointer = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");

function pathOf(error: ErrorObject): string {
  const member = memberOf(error);
  return member === undefined
    ? short(error.instancePath)
    : `${short(error.instancePath)}/${escapePointer(short(member))}`;
}

function memberOf(error: ErrorObject): string | undefined {
  if (error.keyword === "additionalProperties") return error.params.additionalProperty as string;
  if (error.keyword === "required") return error.params.missingProperty as string;
  if (error.keyword === "discriminator") return error.params.tag as string;
  return undefined;
}

function messageOf(error: ErrorObject): string {
  switch (error.keyword) {
    case "additionalProperties":
      return "is not a known field";
    case "required":
      return "is missing";
    case "enum":
      return `must be one of ${(error.params.allowedValues as unknown[]).map(short).join(", ")}`;
    case "discriminator":
      return `must be one of ${variantsOf(error).join(", ")}`;
    case "const":
      return `must be ${short(error.params.allowedValue)}`;
    default:
      return error.message ?? "is not valid";
  }
}

/** What the field that tells variants apart may be. */
function variantsOf({ parentSchema, params }: ErrorObject): string[] {
  const variants = (parentSchema?.oneOf ?? []) as { properties: Record<string, { const?: unknown }> }[];
  return variants.map(({ properties }) => short(properties[params.tag as string]?.const));
}

function hintOf(error: ErrorObject): string | undefined {
  const known: unknown = error.parentSchema?.properties;
  if (error.keyword !== "additionalProperties" || typeof known !== "object" || known === null)
    return undefined;
  const names = Object.keys(known);
  return names.length === 0 ? "No fields are known here." : `Known here: ${names.join(", ")}.`;
}
