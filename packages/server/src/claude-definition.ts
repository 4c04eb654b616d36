import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import {
  type AskConsent,
  askFirst,
  type ClaudeToolPolicy,
  createClaudeAgent,
  createSkillTool,
  createTeamTools,
  createTodoWriteTool,
  createToolbox,
  createWebFetchTool,
  describeClaudeAgent,
  fileTools,
  joinToolboxes,
  type LoopHooks,
  limitDelegation,
  type Model,
  type OpenToolbox,
  openTaskWorktree,
  type Scrub,
  type TaskWorktree,
  type Tool,
  teamToolsOf,
} from "@muster/runtime";
import type { ClaudeAgent, ClaudePermissions, ClaudePrompt, Loaded } from "@muster/runtime/claude-folder";
import { type AgentDefinition, AttemptError, DelegationError, type TaskContext } from "@muster/sdk";

const teamTools = ["find_agents", "delegate", "send_message", "broadcast", "ask_human", "remember", "recall"];
/** Before somebody who took an agent out of maintenance by hand is told again that it has no model. */
const retryAfterMs = 60_000;
/** What leaves the machine: a file that came with a repository must not send anything anywhere on its own. */
const asksAlways: readonly string[] = ["WebFetch"];
/** Characters of a call's arguments that a person sees in the question itself; all of them are its input. */
const shownLength = 500;

export interface ClaudeSurroundings {
  model: Model;
  skills: readonly Loaded<ClaudePrompt>[];
  permissions: ClaudePermissions;
  /** Takes out of what models read what must not be seen, such as the keys that this process knows. */
  scrub: Scrub;
  env: Readonly<Record<string, string | undefined>>;
  /** Skills and commands as they are now. */
  prompts: () => readonly Loaded<ClaudePrompt>[];
  /** Tools beside those for files, such as a shell and those of MCP servers, as they are when a task begins. */
  tools: () => readonly Tool[];
  /** The project's hooks for one attempt of the agent, which works in `workspace`; undefined: none can be run here. */
  hooks?: ((workspace: string, context: TaskContext) => LoopHooks | undefined) | undefined;
}

/** An agent of a file, with the tools that it is allowed in the folder that its `.claude` lies in. */
export const createClaudeDefinition = (
  agent: Loaded<ClaudeAgent>,
  { tools, prompts, scrub, env, hooks, ...surroundings }: ClaudeSurroundings,
): AgentDefinition =>
  createClaudeAgent(agent, {
    ...surroundings,
    scrub,
    openTools: (policy, context) => {
      const texts = prompts();
      const skill = texts.length === 0 ? [] : [createSkillTool(texts)];
      const all = [...fileTools, createTodoWriteTool(), createWebFetchTool(), ...skill, ...tools()];
      return openTools(agent, { tools: all, scrub, env, hooks }, policy, context);
    },
  });

async function openTools(
  agent: Loaded<ClaudeAgent>,
  surroundings: Pick<ClaudeSurroundings, "scrub" | "env" | "hooks"> & { tools: readonly Tool[] },
  policy: ClaudeToolPolicy,
  context: TaskContext,
): Promise<OpenToolbox> {
  const { tools, scrub, env } = surroundings;
  const { allow, deny, ask } = policy;
  const copy = await openCopy(agent, env, context);
  const workspace = copy?.path ?? agent.root;
  const hooks = surroundings.hooks?.(await realpath(workspace), context);
  const askConsent: AskConsent = ({ call, reason }, signal) =>
    askPerson({ agent: agent.definition.name, context, hooks, signal }, call, reason);
  const own = createToolbox(
    tools,
    { ...(allow === null ? {} : { allow }), deny, ask: [...ask, ...asksAlways] },
    { workspace, scrub, askConsent },
  );
  const team = askFirst(createTeamTools(context, { only: teamToolsOf(policy, teamTools) }), askConsent);
  const close = async (): Promise<void> => void (await copy?.close());
  const all = joinToolboxes(own, limitDelegation(team, policy));
  return { ...all, ...(hooks === undefined ? {} : { hooks }), close };
}

/** With `isolation: worktree`, a working copy for this task, on a branch that stays if something was done in it. */
async function openCopy(
  { definition, root }: Loaded<ClaudeAgent>,
  env: ClaudeSurroundings["env"],
  { taskId, log }: TaskContext,
): Promise<TaskWorktree | undefined> {
  if (definition.isolation === null) return undefined;
  const project = createHash("sha256").update(root).digest("hex").slice(0, 16);
  const folder = join(env.HOME ?? homedir(), ".muster", "worktrees", project);
  const copy = await openTaskWorktree({ repository: root, folder, taskId, env });
  log("info", `It works in ${copy.path}, on the branch ${copy.branch}`);
  return copy;
}

interface Asking {
  agent: string;
  context: TaskContext;
  hooks: LoopHooks | undefined;
  signal: AbortSignal;
}

/** Asks whoever looks at the inbox; nobody's answer is a no. */
async function askPerson(
  { agent, context, hooks, signal }: Asking,
  { id, name, input }: { id: string; name: string; input: unknown },
  reason: string,
): Promise<{ granted: true } | { granted: false; reason?: string }> {
  const shown = JSON.stringify(input)?.slice(0, shownLength) ?? "";
  const message = `May ${agent} call ${name} with ${shown}? ${reason}`;
  // Once for each question, however often it is waited for.
  if (hooks !== undefined && (await hooks.wants("Notification")))
    await context.step(`hook:asked:${id}`, () => hooks.run({ event: "Notification", message }, signal));
  try {
    const { approved, reason: said } = await context.approve(message, { key: `consent:${id}`, input });
    if (approved) return { granted: true };
    return { granted: false, ...(said === undefined ? {} : { reason: said }) };
  } catch (error) {
    if (error instanceof DelegationError) return { granted: false, reason: error.message };
    throw error;
  }
}

/**
 * An agent that has no model to think with. Its id is another than that of the one with a model: who puts this one
 * aside must not put that one aside, too, which may have been done by an operator for good reason.
 */
export function createWaitingDefinition(
  agent: Loaded<ClaudeAgent>,
  variables: readonly string[],
): AgentDefinition {
  const { id, capabilities, ...about } = describeClaudeAgent(agent);
  const handler = (): never => {
    throw new AttemptError(`${about.name} has no model: set ${variables.join(" or ")}.`, {
      code: "no_provider",
      retryable: true,
      retryAfterMs,
    });
  };
  return {
    ...about,
    id: `${id}-without-model`,
    capabilities: capabilities.map((one) => ({ ...one, handler })),
  };
}
