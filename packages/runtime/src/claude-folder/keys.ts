/** What Claude Code knows in the front matter of an agent, a skill or a command. Every other key is kept as metadata. */
export const agentKeys = [
  "name",
  "description",
  "tools",
  "disallowedTools",
  "model",
  "permissionMode",
  "maxTurns",
  "skills",
  "mcpServers",
  "hooks",
  "memory",
  "background",
  "effort",
  "isolation",
  "color",
  "initialPrompt",
] as const;

export const promptKeys = [
  "name",
  "description",
  "argument-hint",
  "arguments",
  "allowed-tools",
  "model",
  "effort",
  "context",
  "agent",
  "hooks",
  "disable-model-invocation",
  "user-invocable",
] as const;

/** Keys under which an author says what an agent or a skill may do. Read wrongly, they must never allow more. */
export const narrowingKeys: ReadonlySet<string> = new Set(["tools", "disallowedTools", "allowed-tools"]);

export const knownKeys: ReadonlySet<string> = new Set([...agentKeys, ...promptKeys]);
