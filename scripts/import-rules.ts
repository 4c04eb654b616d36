/**
 * Who may import whom. One row per area of the tree; the first row whose folder holds a file is its area.
 *
 *   agents ─→ sdk        runtime ─→ sdk, workflow        cli ─→ sdk, workflow, main.ts, start-worker.ts, claude-agents.ts, crew/, goals.ts, mcp-servers.ts, models.ts, config/, server-file.ts, version.ts
 *   workflow ─→ sdk/protocol        api ─→ core ─→ ports ─→ sdk/protocol
 *   adapters ─→ ports        compose ─→ adapters, and nobody else does
 */
export interface Area {
  name: string;
  /** Folder or file that the area is. */
  holds: string;
  /** Folders and files that it may import from, beside itself. */
  may: readonly string[];
  /** Packages of this repository that it may import, by the name that others import them by. */
  workspace: readonly string[];
  /** Packages from npm; null: whatever its package.json declares. */
  packages: readonly string[] | null;
  node: boolean;
  /** It takes time, chance and identity from ports, so the host's own are refused. */
  pure: boolean;
  why: string;
}

const server = "packages/server/src/";
const protocol = "@muster/sdk/protocol";

export const areas: readonly Area[] = [
  {
    name: "sdk/protocol",
    holds: "packages/sdk/src/protocol/",
    may: [],
    workspace: [],
    packages: ["typebox"],
    node: false,
    pure: true,
    why: "The words stand alone: everybody imports them, so they import nobody.",
  },
  {
    name: "sdk",
    holds: "packages/sdk/src/",
    may: ["packages/sdk/src/protocol/"],
    workspace: [],
    packages: null,
    node: true,
    pure: false,
    why: "The SDK is what other people install; it knows the server by its wire only.",
  },
  {
    name: "workflow",
    holds: "packages/workflow/src/",
    may: [],
    workspace: [protocol],
    packages: null,
    node: false,
    pure: false,
    why: "The workflow language reads texts, not files: core, CLI and editors use it alike.",
  },
  {
    name: "agents",
    holds: "packages/agents/",
    may: [],
    workspace: ["@muster/sdk", protocol],
    packages: null,
    node: true,
    pure: false,
    why: "Built-in agents are ordinary agents: the SDK is all that they know.",
  },
  {
    name: "runtime",
    holds: "packages/runtime/",
    may: [],
    workspace: ["@muster/sdk", protocol, "@muster/workflow"],
    packages: null,
    node: true,
    pure: false,
    why: "An agent with a model is an ordinary agent, too: the SDK and the workflow language are all that it knows of Muster.",
  },
  {
    name: "ports",
    holds: `${server}ports/`,
    may: [],
    workspace: [protocol],
    packages: [],
    node: false,
    pure: true,
    why: "Ports say what core needs; they know neither who uses them nor who fills them.",
  },
  {
    name: "core",
    holds: `${server}core/`,
    may: [`${server}ports/`],
    workspace: [protocol, "@muster/workflow"],
    packages: ["ajv", "ajv-formats", "croner", "safe-regex2", "typebox"],
    node: false,
    pure: true,
    why: "Core runs in a simulation as it runs in production: no driver, no node:*, no clock and no chance of its own.",
  },
  {
    name: "adapters",
    holds: `${server}adapters/`,
    // One connection to Redis serves the adapters of five ports.
    may: [`${server}ports/`, `${server}adapters/redis/`],
    workspace: [protocol],
    packages: null,
    node: true,
    pure: false,
    why: "An adapter fills its port and knows nothing else of the server.",
  },
  {
    name: "migrations",
    holds: `${server}migrations/`,
    may: [`${server}ports/`],
    workspace: [protocol],
    packages: [],
    node: true,
    pure: false,
    why: "Migrations run before there is a core.",
  },
  {
    name: "migrate-store",
    holds: `${server}migrate-store/`,
    may: [`${server}ports/`, `${server}migrations/`],
    workspace: [protocol],
    packages: [],
    node: false,
    pure: true,
    why: "A store is copied by what its catalogue says, from one database port to another.",
  },
  {
    name: "backup",
    holds: `${server}backup/`,
    may: [`${server}ports/`, `${server}migrations/`, `${server}migrate-store/`],
    workspace: [protocol],
    packages: ["typebox"],
    node: true,
    pure: false,
    why: "An archive is made of what a store's catalogue says; Node compresses, hashes and encrypts it.",
  },
  {
    name: "api",
    holds: `${server}api/`,
    may: [`${server}core/orchestrator.ts`, `${server}ports/`, `${server}version.ts`],
    workspace: [protocol],
    packages: null,
    node: true,
    pure: false,
    why: "The API sees core only through the types of core/orchestrator.ts.",
  },
  {
    name: "cli",
    holds: `${server}cli/`,
    may: [
      `${server}main.ts`,
      `${server}start-worker.ts`,
      `${server}claude-agents.ts`,
      `${server}goals.ts`,
      `${server}crew/`,
      `${server}mcp-servers.ts`,
      `${server}models.ts`,
      `${server}compose/migrate-store.ts`,
      `${server}compose/restore-store.ts`,
      `${server}config/`,
      `${server}server-file.ts`,
      `${server}version.ts`,
    ],
    workspace: ["@muster/sdk", protocol, "@muster/workflow"],
    packages: null,
    node: true,
    pure: false,
    why: "The CLI is a client like any other: it speaks sdk/client, starts a server only through main.ts and moves stores through compose.",
  },
  {
    name: "config",
    holds: `${server}config/`,
    may: [],
    workspace: [protocol],
    packages: ["typebox"],
    node: false,
    pure: true,
    why: "Configuration is values in, values out: the process that has an environment hands it in.",
  },
  {
    name: "compose",
    holds: `${server}compose.ts`,
    may: [
      `${server}compose/`,
      `${server}adapters/`,
      `${server}core/`,
      `${server}ports/`,
      `${server}migrations/`,
      `${server}version.ts`,
    ],
    workspace: [protocol],
    packages: null,
    node: true,
    pure: false,
    why: "compose.ts joins adapters to core, and that is all it does.",
  },
  {
    name: "compose",
    holds: `${server}compose/`,
    may: [
      `${server}adapters/`,
      `${server}ports/`,
      `${server}migrations/`,
      `${server}migrate-store/`,
      `${server}backup/`,
      `${server}version.ts`,
    ],
    workspace: [protocol],
    packages: null,
    node: true,
    pure: false,
    why: "These are parts of compose.ts: each chooses the adapters of a kind.",
  },
  {
    name: "server",
    holds: server,
    may: [
      `${server}core/`,
      `${server}ports/`,
      `${server}api/`,
      `${server}compose.ts`,
      `${server}compose/open-embedder.ts`,
    ],
    workspace: [
      "@muster/sdk",
      protocol,
      "@muster/workflow",
      "@muster/agents",
      "@muster/runtime",
      "@muster/runtime/claude-folder",
      "@muster/runtime/mcp",
    ],
    packages: null,
    node: true,
    pure: false,
    why: "Only compose.ts names adapters.",
  },
];

/** Folders below which each folder is a world of its own: one adapter does not import another port's. */
export const separate = `${server}adapters/`;

/** What the host offers that code without a clock and chance of its own must not use, and what to use instead. */
export const hostGlobals: ReadonlyMap<string, string> = new Map([
  ["Date.now", "the Clock port"],
  ["Date()", "the Clock port; `new Date(ms)` is fine"],
  ["performance", "the Clock port"],
  ["setTimeout", "Clock.setTimer"],
  ["setInterval", "Clock.setTimer"],
  ["setImmediate", "Clock.setTimer"],
  ["AbortSignal.timeout", "Clock.setTimer"],
  ["Math.random", "the Random port"],
  ["crypto", "the Ids port"],
  ["process", "settings handed in by compose.ts"],
  ["fetch", "a port"],
  ["console", "the Log port"],
  ["require", "import"],
  ["Buffer", "strings, or a port"],
  ["globalThis", "what is imported"],
]);

/** Imports that the rules refuse and that are right all the same, each with its reason. */
export const exceptions: ReadonlyMap<string, string> = new Map([
  [
    `${server}core/gateway/in-process-transport.ts @muster/sdk`,
    "It fills the SDK's AgentTransport without a wire; it imports only the type.",
  ],
  [
    "packages/workflow/src/within-time.ts node:vm",
    "Only node:vm can stop a regular expression of a workflow that takes too long.",
  ],
]);
