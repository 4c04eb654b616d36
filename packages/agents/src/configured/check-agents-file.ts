import { compileCheck, createAgent } from "@muster/sdk";
import type { TSchema } from "typebox";
import {
  A2aAgent,
  ClaudeCodeAgent,
  CommandAgent,
  type ConfiguredAgent,
  HttpAgent,
  McpAgent,
  mostConfiguredAgents,
} from "./configured-agent.ts";
import { createConfiguredAgent } from "./create-configured-agent.ts";

/** One mistake in a file of agents. */
export interface AgentsMistake {
  path: (string | number)[];
  message: string;
  /** An unknown key, and the keys that may stand there: whoever tells of it may guess what was meant. */
  unknown?: { key: string; allowed: string[] };
}

export interface CheckedAgents {
  agents: ConfiguredAgent[];
  mistakes: AgentsMistake[];
}

type Shape = TSchema & { properties: Record<string, unknown> };
const kinds: Record<string, Shape> = {
  command: CommandAgent,
  http: HttpAgent,
  mcp: McpAgent,
  a2a: A2aAgent,
  "claude-code": ClaudeCodeAgent,
};
/** What a file may say beside agents. */
const others = ["models", "mcpServers"];
const memberOf = (value: object, key: string): unknown =>
  Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;

/**
 * Checks what a file says of agents, and tells every mistake. Nothing is started or connected to. A file may say which models
 * and MCP servers there are beside that, or alone; whoever has a use for `models` and `mcpServers` checks them.
 */
export function checkAgentsFile(document: unknown): CheckedAgents {
  if (!isObject(document)) {
    return { agents: [], mistakes: [{ path: [], message: "the file must hold the key `agents`" }] };
  }
  const mistakes = unknownKeys(document, ["agents", ...others], []);
  const listed = document.agents;
  if (listed === undefined && others.some((key) => document[key] !== undefined))
    return { agents: [], mistakes };
  if (!Array.isArray(listed) || listed.length === 0 || listed.length > mostConfiguredAgents) {
    const message = `"agents" must be a list of 1 to ${mostConfiguredAgents} agents`;
    return { agents: [], mistakes: [...mistakes, { path: ["agents"], message }] };
  }
  const names = new Set<string>();
  for (const [index, agent] of listed.entries()) {
    const found = checkAgent(agent, ["agents", index]);
    mistakes.push(...found);
    if (found.length > 0) continue;
    const { name, version = "" } = agent as ConfiguredAgent;
    const label = `${name} ${version}`;
    if (names.has(label)) {
      const message = `two agents have the name "${name}" and the same version`;
      mistakes.push({ path: ["agents", index, "name"], message });
    }
    names.add(label);
  }
  return { agents: mistakes.length > 0 ? [] : (listed as ConfiguredAgent[]), mistakes };
}

function checkAgent(agent: unknown, path: (string | number)[]): AgentsMistake[] {
  if (!isObject(agent)) return [{ path, message: "an agent must be an object" }];
  const shape = typeof agent.kind === "string" ? memberOf(kinds, agent.kind) : undefined;
  if (shape === undefined) {
    return [{ path: [...path, "kind"], message: `"kind" must be one of ${Object.keys(kinds).join(", ")}` }];
  }
  const schema = shape as Shape;
  const unknown = [
    ...unknownKeys(agent, Object.keys(schema.properties), path),
    ...(agent.kind === "mcp" && isObject(agent.mcp)
      ? unknownKeys(agent.mcp, Object.keys(McpAgent.properties.mcp.properties), [...path, "mcp"])
      : []),
  ];
  if (unknown.length > 0) return unknown;
  const fault = compileCheck(schema as unknown as Record<string, unknown>, "The agent")(agent);
  if (fault !== undefined) {
    const places = fault.errors.slice(0, 1).map((error) => error.path.split("/").slice(1));
    return [{ path: [...path, ...(places[0] ?? [])], message: fault.message }];
  }
  return checkMeaning(agent as ConfiguredAgent, path);
}

/** What a schema can't say. */
function checkMeaning(agent: ConfiguredAgent, path: (string | number)[]): AgentsMistake[] {
  if (agent.kind === "command" && (agent.command === undefined) === (agent.shell === undefined)) {
    const message = 'say either "command", a list of a program and its arguments, or "shell", a line for sh';
    return [{ path, message }];
  }
  if (agent.kind === "claude-code") {
    const skips = agent.permissionMode === "bypassPermissions";
    if (skips !== (agent.dangerouslySkipPermissions === true)) {
      const message =
        '"bypassPermissions" lets Claude Code do anything on this machine; it and "dangerouslySkipPermissions: true" go together';
      return [{ path: [...path, "permissionMode"], message }];
    }
  }
  const addressed = agent.kind === "http" ? "url" : agent.kind === "a2a" ? "card" : undefined;
  const fault = addressed === undefined ? undefined : faultOfAddress((agent as never)[addressed]);
  if (fault !== undefined) return [{ path: [...path, addressed as string], message: fault }];
  if (agent.kind === "a2a") {
    const unnamed = Object.keys(agent.skills ?? {}).find((name) => !namesOf(agent).includes(name));
    if (unnamed !== undefined)
      return [{ path: [...path, "skills", unnamed], message: `"capabilities" names no "${unnamed}"` }];
  }
  try {
    createAgent(createConfiguredAgent(agent));
    return [];
  } catch (error) {
    return [{ path, message: (error as Error).message }];
  }
}

function faultOfAddress(address: string): string | undefined {
  if (!URL.canParse(address)) return "it is no address";
  const { username, password } = new URL(address);
  return username === "" && password === "" ? undefined : "it holds a password; put it into headers instead";
}

const namesOf = (agent: ConfiguredAgent): string[] =>
  (agent.capabilities ?? []).map((one) => (typeof one === "string" ? one : one.name));

function unknownKeys(value: object, allowed: string[], path: (string | number)[]): AgentsMistake[] {
  return Object.keys(value)
    .filter((key) => !allowed.includes(key))
    .map((key) => ({ path: [...path, key], message: `unknown key "${key}"`, unknown: { key, allowed } }));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
