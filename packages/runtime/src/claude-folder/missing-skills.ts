import type { Loaded } from "./load-claude-folder.ts";
import type { ClaudeAgent } from "./read-agent.ts";
import type { ClaudePrompt } from "./read-prompt.ts";

/** Skills that an agent names and that are not there: whoever starts it can say so. */
export function missingSkills(agent: ClaudeAgent, skills: readonly Loaded<ClaudePrompt>[]): string[] {
  const there = new Set(skills.map(({ definition }) => definition.name));
  return agent.skills.filter((name) => !there.has(name));
}
