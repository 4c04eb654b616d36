import { claudeBounds } from "./bounds.ts";
import type { RefusalCode } from "./read-agent.ts";

interface NameReading {
  name?: string;
  repairs: string[];
  refusal?: { code: RefusalCode; why: string };
}

const plain = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * The name of an agent. Identity is what the file says, never where it lies; so a file that says no name is refused and
 * not called after its path. A name that Claude Code refuses is refused here, too: a colon would make it pass for an
 * agent of a plugin.
 */
export function readName(value: unknown, fileName: string): NameReading {
  const repairs: string[] = [];
  const refuse = (code: RefusalCode, why: string): NameReading => ({ repairs, refusal: { code, why } });
  if (value === undefined || value === null || value === "") {
    return refuse(
      "no_name",
      `it says no name; add \`name: ${slug(fileName.replace(/\.md$/i, "")) || "my-agent"}\``,
    );
  }
  if (typeof value === "number") repairs.push("the name is a number: taken as text");
  else if (typeof value !== "string") return refuse("bad_name", "its name is neither a text nor a number");
  const said = String(value).trim();
  if (said.startsWith("-")) return refuse("bad_name", "its name begins with a hyphen");
  if (said.includes(":")) return refuse("bad_name", "its name holds a colon, as only those of plugins do");
  if (plain.test(said) && said.length <= claudeBounds.nameLength) return { name: said, repairs };
  const name = slug(said);
  if (name === "") return refuse("bad_name", "its name has no letter and no digit of ASCII");
  return { name, repairs: [...repairs, `the name ${JSON.stringify(said.slice(0, 80))} became ${name}`] };
}

/** Lower case, hyphens, nothing else; empty where nothing is left. */
export const slug = (text: string): string =>
  text
    .normalize("NFKD")
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, claudeBounds.nameLength)
    .replace(/^-+|-+$/g, "");

interface DescriptionReading {
  text?: string;
  repairs: string[];
}

/** A description, whatever it takes: what YAML made of it, or else the first paragraph of the prompt. */
export function readDescription(value: unknown, body: string): DescriptionReading {
  const repairs: string[] = [];
  let text = "";
  if (typeof value === "string") text = unescapeLines(value).trim();
  else if (Array.isArray(value) && value.every((one) => typeof one === "string")) {
    text = value.join("\n").trim();
    repairs.push("the description is a list: its lines were joined");
  } else if (value !== undefined && value !== null) {
    text = typeof value === "object" ? "" : String(value);
    repairs.push(`the description is no text: ${text === "" ? "left out" : "taken as one"}`);
  }
  if (text === "") {
    text = firstParagraph(body);
    if (text === "") return { repairs };
    repairs.push("it has no description: the first paragraph of its prompt stands for one");
  }
  if (text.length <= claudeBounds.descriptionLength) return { text, repairs };
  repairs.push(`the description has ${text.length} characters: cut to ${claudeBounds.descriptionLength}`);
  return { text: cut(text, claudeBounds.descriptionLength), repairs };
}

/** Cuts without leaving half a character behind. */
export const cut = (text: string, length: number): string =>
  text.slice(0, length).replace(/[\ud800-\udbff]$/, "");

/** Claude Code's own generator writes line ends as `\n` into texts that YAML does not unescape. */
const unescapeLines = (text: string): string => text.replaceAll("\\n", "\n").replaceAll('\\"', '"');

function firstParagraph(body: string): string {
  const paragraphs = body.split(/\n\s*\n/).map((one) => one.trim());
  const prose = paragraphs.find((one) => /^[\p{L}\p{N}*_"]/u.test(one) && one.length >= 10);
  return cut(prose?.replace(/\s+/g, " ") ?? "", 500);
}
