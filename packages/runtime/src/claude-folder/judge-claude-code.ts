import type { FrontMatter } from "./parse-front-matter.ts";

/** What Claude Code itself does with a file, as its public documentation says. */
export interface ClaudeCodeView {
  loads: boolean;
  /** Why it does not, or what it does otherwise than Muster; null: nothing to say. */
  why: string | null;
}

const skips = (why: string): ClaudeCodeView => ({ loads: false, why });

/** `splitRepairs` are what had to be overlooked to find the front matter. */
export function judgeAgent(front: FrontMatter, splitRepairs: readonly string[]): ClaudeCodeView {
  if (splitRepairs.length > 0) return skips(`${splitRepairs[0]}, so it counts as documentation`);
  if (!front.isYaml) return skips("its YAML does not parse");
  const name = front.values.get("name");
  if (typeof name !== "string" || name.trim() === "")
    return skips("it has no name, so it counts as documentation");
  if (name.startsWith("-")) return skips("its name begins with a hyphen");
  if (name.includes(":")) return skips("its name holds a colon");
  const description = front.values.get("description");
  if (typeof description !== "string" || description.trim() === "") return skips("it has no description");
  const theirs = ["hooks", "mcpServers"].filter((key) => (front.values.get(key) ?? null) !== null);
  const why = `once the folder is trusted it uses its ${theirs.join(" and ")}`;
  return { loads: true, why: theirs.length === 0 ? null : why };
}

/** Skills and commands need nothing but a text; without its front matter they lose what that says. */
export function judgePrompt(front: FrontMatter | undefined, splitRepairs: readonly string[]): ClaudeCodeView {
  if (splitRepairs.length > 0) return { loads: true, why: `${splitRepairs[0]}, so it is part of the text` };
  if (front === undefined || front.isYaml) return { loads: true, why: null };
  return { loads: true, why: "its YAML does not parse, so nothing of its front matter counts" };
}
