import type { ToolCall } from "../llm/model.ts";
import { admitBy } from "../tools/ask-first.ts";
import type { Toolbox, ToolOutcome } from "../tools/tool.ts";
import { type ClaudeToolPolicy, claudeAgentId } from "./create-claude-agent.ts";

/** What the tools for working together are called in the lists of `.claude` files. */
const names: Readonly<Record<string, string>> = {
  find_agents: "Agent",
  delegate: "Agent",
  send_message: "SendMessage",
  broadcast: "SendMessage",
  ask_human: "AskUserQuestion",
};
const rulePattern = /^([^(]+)(?:\(([\s\S]*)\))?$/;

interface AgentRule {
  name: string;
  /** The agents that it is about; null: all. */
  agents: string[] | null;
}

/** The names of the tools for working together that a policy leaves. */
export function teamToolsOf(
  { allow, deny }: Pick<ClaudeToolPolicy, "allow" | "deny">,
  all: readonly string[],
): string[] {
  const allowed = allow?.map(parse) ?? null;
  const denied = deny.map(parse).filter(({ agents }) => agents === null);
  return all.filter((tool) => {
    const word = names[tool] ?? tool;
    const is = ({ name }: AgentRule): boolean => name === word || name === tool || name === "*";
    return (allowed === null || allowed.some(is)) && !denied.some(is);
  });
}

/**
 * Keeps delegation to the agents that a policy names: `Agent(worker)` allows only `worker`, or forbids it. An agent is
 * one that is called so; what else offers the same capability is another agent, so the task has to name it.
 */
export function limitDelegation(
  toolbox: Toolbox,
  { allow, deny }: Pick<ClaudeToolPolicy, "allow" | "deny">,
): Toolbox {
  const about = (rules: readonly string[]) => rules.map(parse).filter(({ name }) => name === "Agent");
  const allowed = about(allow ?? []).map(({ agents }) => agents);
  const only = allow === null || allowed.includes(null) ? null : allowed.flatMap((agents) => agents ?? []);
  const never = about(deny).flatMap(({ agents }) => agents ?? []);
  if (only === null && never.length === 0) return toolbox;
  const refuse = (call: ToolCall): ToolOutcome | null => {
    if (call.name !== "delegate") return null;
    const fault = faultOf(call.input, only, never);
    return fault === null ? null : { content: fault, isError: true };
  };
  return {
    ...toolbox,
    admit: async (call, signal, asked) => refuse(call) ?? admitBy(toolbox, call, signal, asked),
    call: async (call, signal) => refuse(call) ?? toolbox.call(call, signal),
  };
}

function faultOf(input: unknown, only: readonly string[] | null, never: readonly string[]): string | null {
  const tasks = (input as { tasks?: unknown } | null)?.tasks;
  if (!Array.isArray(tasks)) return null;
  for (const task of tasks as ({ agent?: unknown } | null)[]) {
    const agent = task?.agent;
    const isOneOf = (list: readonly string[]): boolean =>
      list.some((name) => agent === name || agent === claudeAgentId({ name }));
    if (only !== null && !isOneOf(only))
      return `You may only delegate to ${only.join(", ")}: name one of them as the agent of each task.`;
    if (never.length > 0 && (agent === undefined || isOneOf(never)))
      return `You may not delegate to ${never.join(", ")}: name another agent for each task.`;
  }
  return null;
}

function parse(rule: string): AgentRule {
  const [, name = rule, inner] = rulePattern.exec(rule) ?? [];
  return {
    name: name.trim(),
    agents: inner === undefined ? null : inner.split(",").map((one) => one.trim()),
  };
}
