import { createScrubber, type Scrub } from "../tools/create-scrubber.ts";
import type { McpEntry } from "./read-mcp-file.ts";

/** Headers that say nothing secret. */
const openHeaders = new Set(["accept", "accept-language", "content-type", "user-agent"]);

/**
 * Takes out of texts what a server was given to identify itself with: variables whose names sound like secrets, and headers.
 * A server can answer with them, by mistake or to have them land in a journal.
 */
export function scrubberOf(entry: McpEntry, scrub: Scrub = (text) => text): Scrub {
  const own =
    entry.type === "stdio"
      ? createScrubber({ env: entry.env })
      : createScrubber({ values: headerValues(entry.headers) });
  return (text) => own(scrub(text));
}

function headerValues(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers)
    .filter(([name]) => !openHeaders.has(name.toLowerCase()))
    .flatMap(([, value]) => [value, value.replace(/^\S+\s+/, "")]);
}

/** The same in every text of a value, as a server answers it. */
export function scrubAll(value: unknown, scrub: Scrub): unknown {
  if (typeof value === "string") return scrub(value);
  if (Array.isArray(value)) return value.map((one) => scrubAll(one, scrub));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [scrub(key), scrubAll(member, scrub)]),
  );
}

/** How a server is reached, for people: as it is written, without what may be secret. */
export function describeEntry(entry: McpEntry): string {
  const scrub = scrubberOf(entry);
  if (entry.type === "stdio") return scrub([entry.command, ...entry.args].map(quoted).join(" "));
  return scrub(entry.url.replaceAll(/([?&][^=&#]{1,200}=)(?!\$\{)[^&#]*/g, "$1…"));
}

const quoted = (word: string): string => (/^[\w@%+=:,./${}-]+$/.test(word) ? word : JSON.stringify(word));
