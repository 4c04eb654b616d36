import type { AgentDefinition, TaskContext } from "@muster/sdk";
import { createModelAgent, type OpenToolbox } from "../agent-loop/create-model-agent.ts";
import type { Model } from "../llm/model.ts";
import type { Scrub } from "../tools/create-scrubber.ts";
import type { Loaded } from "./load-claude-folder.ts";
import type { ClaudeAgent } from "./read-agent.ts";
import type { ClaudePrompt } from "./read-prompt.ts";
import type { ClaudePermissions } from "./read-settings.ts";

/** What an agent of a file may use, in the words of its file. */
export interface ClaudeToolPolicy {
  /** Null: all there are. */
  allow: readonly string[] | null;
  deny: readonly string[];
  /** After a person said yes. */
  ask: readonly string[];
}

export interface ClaudeAgentSurroundings {
  model: Model;
  /** Takes secrets out of what is shown to those who watch a task. */
  scrub?: Scrub;
  /** Those of the folder that the agent comes from. */
  skills: readonly Loaded<ClaudePrompt>[];
  /** What the settings of that folder say of all its agents. */
  permissions: ClaudePermissions;
  /** The tools of one attempt; whoever makes them keeps to the policy. */
  openTools: (policy: ClaudeToolPolicy, context: TaskContext) => OpenToolbox | Promise<OpenToolbox>;
}

/** Agents that only look, or have a copy each, work side by side; others would write into the same files. */
const readersAtOnce = 4;
/** Characters of all skills that an agent begins with. */
const skillsLength = 200_000;
const memoryTools: readonly string[] = ["remember", "recall"];
/** No absolute path: a working copy of a task lies somewhere else each time. */
const whereYouWork =
  "# Where you work\n\nPaths are relative to the folder of the project. Commands begin there, too.";
/** What `permissionMode: plan` leaves: nothing that changes anything. */
const planTools: readonly string[] = ["Read", "Grep", "Glob", "TodoWrite", "WebFetch"];

/** The id that an agent of a file keeps over restarts, so that its health and what an operator said of it stay with it. */
export const claudeAgentId = ({ name }: Pick<ClaudeAgent, "name">): string => `claude-${name}`;

/**
 * Makes an ordinary agent of one that a file describes: its prompt is the system prompt of the loop, its skills come
 * before the work, its lists of tools are the policy of its toolbox. Nothing that needs consent is granted by it.
 */
export function createClaudeAgent(
  loaded: Loaded<ClaudeAgent>,
  { model, scrub, skills, permissions, openTools }: ClaudeAgentSurroundings,
): AgentDefinition {
  const agent = loaded.definition;
  const policy = policyOf(agent, permissions);
  return createModelAgent(
    {
      ...describeClaudeAgent(loaded),
      model: agent.model,
      system: systemOf(agent, skills),
      ...(agent.maxTurns === null ? {} : { limits: { turns: agent.maxTurns } }),
    },
    {
      model,
      ...(scrub === undefined ? {} : { scrub }),
      toolbox: (context) => openTools(policy, context),
    },
  );
}

/** What the others get to know of an agent, whether or not it can work. */
export function describeClaudeAgent({ definition: agent, path, scope }: Loaded<ClaudeAgent>) {
  const { name, description, tags, model, color, effort, background, isolation, metadata } = agent;
  return {
    id: claudeAgentId(agent),
    name,
    type: "claude" as const,
    description,
    maxConcurrency: isReader(agent) || isolation !== null ? readersAtOnce : 1,
    capabilities: agent.capabilities.map((one) => ({ ...one, tools: [...one.tools] })),
    metadata: {
      kind: "claude-folder",
      file: path,
      scope,
      tags,
      model,
      tools: agent.tools,
      ...(color === null ? {} : { color }),
      ...(effort === null ? {} : { effort }),
      ...(background ? { background } : {}),
      ...(isolation === null ? {} : { isolation }),
      ...(Object.keys(metadata).length === 0 ? {} : { said: metadata }),
    },
  };
}

const isReader = ({ tags, permissionMode }: ClaudeAgent): boolean =>
  tags.includes("read-only") || permissionMode === "plan";

function policyOf(
  { tools, disallowedTools, permissionMode, memory }: ClaudeAgent,
  { deny, ask }: ClaudePermissions,
): ClaudeToolPolicy {
  const rules = { deny: [...disallowedTools, ...deny], ask };
  if (permissionMode === "plan") {
    const allow = tools === null ? planTools : tools.filter((rule) => planTools.includes(nameOf(rule)));
    return { allow, ...rules };
  }
  // Who asks for a memory gets the tools for it; they reach nothing else.
  return { allow: tools === null || memory === null ? tools : [...tools, ...memoryTools], ...rules };
}

const nameOf = (rule: string): string => rule.replace(/\(.*$/s, "");

function systemOf(agent: ClaudeAgent, skills: readonly Loaded<ClaudePrompt>[]): string {
  const parts = [agent.prompt, whereYouWork];
  let room = skillsLength;
  for (const name of agent.skills) {
    const skill = skills.find(({ definition }) => definition.name === name)?.definition;
    if (skill === undefined || skill.text.length > room) continue;
    room -= skill.text.length;
    parts.push(`# Skill: ${skill.name}\n\n${skill.text}`);
  }
  const { memory } = agent;
  // A user's own memory lies outside of every workspace, so no tool could reach it.
  if (memory !== null && memory.scope !== "user") {
    parts.push(
      `# Memory\n\nWhat you learned in earlier tasks is in ${memory.folder}/, with MEMORY.md as its beginning. Read that before you start, if it is there. Keep what will help you next time, there or by the tool remember: short, and nothing secret.`,
    );
  }
  return parts.join("\n\n");
}
