import type { McpEntry } from "./read-mcp-file.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface ExpandedEntry {
  entry: McpEntry;
  /** Variables that are named and not set: their names stay as they stand. */
  unset: string[];
}

/** Puts values in the place of `${NAME}` and `${NAME:-default}`, in every text of an entry. */
export function expandEntry(entry: McpEntry, env: Environment): ExpandedEntry {
  const unset = new Set<string>();
  const fill = (text: string): string =>
    text.replaceAll(
      /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
      (whole, name: string, usual?: string) => {
        const value = env[name];
        if (value !== undefined && !(value === "" && usual !== undefined)) return value;
        if (usual !== undefined) return usual;
        unset.add(name);
        return whole;
      },
    );
  const fillAll = (texts: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(texts).map(([name, value]) => [name, fill(value)]));
  const filled: McpEntry =
    entry.type === "stdio"
      ? { ...entry, command: fill(entry.command), args: entry.args.map(fill), env: fillAll(entry.env) }
      : { ...entry, url: fill(entry.url), headers: fillAll(entry.headers) };
  return { entry: filled, unset: [...unset] };
}
