import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { ClaudeFolder, Loaded } from "../load-claude-folder.ts";
import type { ClaudeAgent } from "../read-agent.ts";
import type { HookSource } from "./claude-hook.ts";

type Files = Pick<ClaudeFolder, "agents" | "hooks">;

/** The hooks of a folder by the files that name them, those of the settings first; none where the settings turn all off. */
export const findHooks = ({ agents, hooks }: Files): HookSource[] => [
  ...findSettingsHooks(hooks),
  ...(hooks.offIn === null ? agents.flatMap((agent) => findAgentHooks(agent)) : []),
];

/** Those that hold for all agents. */
export const findSettingsHooks = ({ files, offIn }: ClaudeFolder["hooks"]): HookSource[] =>
  offIn === null ? files.map((file) => ({ ...locate(file), agent: null, hooks: file.hooks })) : [];

/** Those that an agent brings for itself. */
export const findAgentHooks = ({ definition, ...file }: Loaded<ClaudeAgent>): HookSource[] =>
  definition.hooks.length === 0 ? [] : [{ ...locate(file), agent: definition.name, hooks: definition.hooks }];

/** Approvals are for a file, whichever link leads to it. */
function locate({ root, path }: { root: string; path: string }): Pick<HookSource, "file" | "path" | "root"> {
  let real = root;
  try {
    real = realpathSync(root);
  } catch {
    // It went away; so did what it names.
  }
  return { file: join(real, path), path, root: real };
}
