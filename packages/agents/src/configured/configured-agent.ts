import { AgentRegistration, Capability, limits, Name } from "@muster/sdk/protocol";
import Type, { type Static } from "typebox";

/** Agents in one file. */
export const mostConfiguredAgents = 100;
const megabyte = 1024 * 1024;
export const configuredDefaults = { timeoutMs: 300_000, maxOutputBytes: megabyte } as const;

const Variable = Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]*$", maxLength: limits.nameLength });
const Words = Type.String({ minLength: 1, maxLength: limits.textLength });

const SkillId = Type.String({ minLength: 1, maxLength: 256 });

const common = {
  name: Name,
  version: AgentRegistration.properties.version,
  description: AgentRegistration.properties.description,
  capabilities: Type.Array(Type.Union([Name, Capability]), {
    minItems: 1,
    maxItems: limits.capabilitiesPerAgent,
  }),
  maxConcurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.agentConcurrency })),
  timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.durationMs })),
  maxOutputBytes: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.payloadBytes })),
};

/** Any program: the input as JSON on its standard input, the output as JSON on its standard output. */
export const CommandAgent = Type.Object(
  {
    kind: Type.Literal("command"),
    ...common,
    command: Type.Optional(Type.Array(Words, { minItems: 1, maxItems: 256 })),
    shell: Type.Optional(Words),
    cwd: Type.Optional(Words),
    passEnv: Type.Optional(Type.Array(Variable, { maxItems: 256 })),
    env: Type.Optional(Type.Record(Variable, Type.String({ maxLength: limits.textLength }))),
    output: Type.Optional(Type.Union([Type.Literal("json"), Type.Literal("text")])),
  },
  { additionalProperties: false },
);
export type CommandAgent = Static<typeof CommandAgent>;

/** Any HTTP endpoint: the input as the JSON body of a POST, the output as the JSON body of the answer. */
export const HttpAgent = Type.Object(
  {
    kind: Type.Literal("http"),
    ...common,
    url: Type.String({ pattern: "^https?://[^\\s]+$", maxLength: 2_048 }),
    headers: Type.Optional(
      Type.Record(
        Type.String({ pattern: "^[A-Za-z0-9-]+$", maxLength: limits.nameLength }),
        Type.String({ maxLength: limits.textLength, pattern: "^[^\\r\\n]*$" }),
      ),
    ),
    redirects: Type.Optional(Type.Integer({ minimum: 0, maximum: 5 })),
    privateAddresses: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type HttpAgent = Static<typeof HttpAgent>;

/** A remote agent that speaks A2A: what it can do is on its card. */
export const A2aAgent = Type.Object(
  {
    kind: Type.Literal("a2a"),
    ...common,
    capabilities: Type.Optional(common.capabilities),
    card: HttpAgent.properties.url,
    skills: Type.Optional(Type.Record(Type.String({ maxLength: limits.nameLength }), SkillId)),
    headers: HttpAgent.properties.headers,
    origins: Type.Optional(
      Type.Array(Type.String({ pattern: "^https?://[^\\s/@]+$", maxLength: 300 }), { maxItems: 16 }),
    ),
    privateAddresses: HttpAgent.properties.privateAddresses,
    refreshMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 86_400_000 })),
    questions: Type.Optional(Type.Union([Type.Literal("ask"), Type.Literal("refuse")])),
  },
  { additionalProperties: false },
);
export type A2aAgent = Static<typeof A2aAgent>;

/** A tool of an MCP server: the input is its arguments, what it answers is the output. */
export const McpAgent = Type.Object(
  {
    kind: Type.Literal("mcp"),
    ...common,
    mcp: Type.Object(
      {
        server: Type.String({ minLength: 1, maxLength: 64 }),
        tool: Type.String({ minLength: 1, maxLength: limits.nameLength }),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);
export type McpAgent = Static<typeof McpAgent>;

const Tools = Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 1_000 }), { maxItems: 200 }));

/** Claude Code itself, through `@anthropic-ai/claude-agent-sdk` where that is installed. */
export const ClaudeCodeAgent = Type.Object(
  {
    kind: Type.Literal("claude-code"),
    ...common,
    instructions: Type.Optional(Type.String({ minLength: 1, maxLength: 100_000 })),
    model: Type.Optional(Words),
    cwd: CommandAgent.properties.cwd,
    passEnv: CommandAgent.properties.passEnv,
    env: CommandAgent.properties.env,
    tools: Tools,
    allowedTools: Tools,
    disallowedTools: Tools,
    permissionMode: Type.Optional(
      Type.Enum(["default", "acceptEdits", "plan", "dontAsk", "bypassPermissions"]),
    ),
    dangerouslySkipPermissions: Type.Optional(Type.Literal(true)),
    permissions: Type.Optional(Type.Enum(["ask", "refuse"])),
    settingSources: Type.Optional(Type.Array(Type.Enum(["user", "project", "local"]), { maxItems: 3 })),
    maxTurns: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
    maxBudgetUsd: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 100_000 })),
  },
  { additionalProperties: false },
);
export type ClaudeCodeAgent = Static<typeof ClaudeCodeAgent>;

export type ConfiguredAgent = CommandAgent | HttpAgent | McpAgent | A2aAgent | ClaudeCodeAgent;
