import { describe, expect, it } from "vitest";
import { findImportViolations } from "./find-import-violations.ts";

const server = "packages/server/src";
const found = (file: string, text: string) =>
  findImportViolations(file, text).map(({ line, what }) => `${line}: ${what}`);

/** What it is, a file, a line of it, and what is said about that line. */
const refused: [string, string, string, string][] = [
  ["core may not import a driver", `${server}/core/queue/a.ts`, 'import pg from "pg";', "core imports pg"],
  ["core may not import node", `${server}/core/a.ts`, 'import "node:fs";', "core imports node:fs"],
  [
    "core may not import an adapter",
    `${server}/core/a.ts`,
    'import { x } from "../adapters/clock/system-clock.ts";',
    `core imports ${server}/adapters/clock/system-clock.ts`,
  ],
  ["types count as well", `${server}/core/a.ts`, 'import type { Pool } from "pg";', "core imports pg"],
  ["so do types in place", `${server}/core/a.ts`, 'type P = import("pg").Pool;', "core imports pg"],
  ["and what is handed on", `${server}/core/a.ts`, 'export * from "pg";', "core imports pg"],
  ["and what is loaded late", `${server}/core/a.ts`, 'await import("pg");', "core imports pg"],
  [
    "core may not choose a module at run time",
    `${server}/core/a.ts`,
    "await import(name);",
    "core imports a module that is chosen at run time",
  ],
  [
    "only compose.ts names adapters",
    `${server}/main.ts`,
    'import { x } from "./adapters/clock/system-clock.ts";',
    `server imports ${server}/adapters/clock/system-clock.ts`,
  ],
  [
    "adapters may not import core",
    `${server}/adapters/clock/system-clock.ts`,
    'import { x } from "../../core/group.ts";',
    `adapters imports ${server}/core/group.ts`,
  ],
  [
    "one port's adapters may not import another's",
    `${server}/adapters/registry/redis/a.ts`,
    'import { x } from "../../database/pg/pool.ts";',
    `adapters imports ${server}/adapters/database/pg/pool.ts`,
  ],
  [
    "the API sees core only through its types",
    `${server}/api/routes/tasks.ts`,
    'import { settle } from "../../core/completion/settle.ts";',
    `api imports ${server}/core/completion/settle.ts`,
  ],
  [
    "the CLI may not reach into the server",
    `${server}/cli/commands/up.ts`,
    'import { compose } from "../../compose.ts";',
    `cli imports ${server}/compose.ts`,
  ],
  [
    "ports may not import core",
    `${server}/ports/clock.ts`,
    'import type { X } from "../core/x.ts";',
    `ports imports ${server}/core/x.ts`,
  ],
  [
    "agents may not import the server",
    "packages/agents/src/a.ts",
    'import { startMuster } from "muster";',
    "agents imports muster",
  ],
  [
    "the workflow language may import only the words of the SDK",
    "packages/workflow/src/a.ts",
    'import { createClient } from "@muster/sdk";',
    "workflow imports @muster/sdk",
  ],
  [
    "the words import nobody",
    "packages/sdk/src/protocol/task.ts",
    'import { x } from "../client/x.ts";',
    "sdk/protocol imports packages/sdk/src/client/x.ts",
  ],
  [
    "packages import each other by name",
    "packages/agents/src/a.ts",
    'import { x } from "../../sdk/src/index.ts";',
    "agents imports packages/sdk/src/index.ts",
  ],
  [
    "what is shipped does not import tests",
    `${server}/core/a.ts`,
    'import { x } from "../test/orchestrate.ts";',
    `core imports ${server}/test/orchestrate.ts`,
  ],
];

describe("import directions", () => {
  it.each(refused)("%s", (_, file, line, what) => {
    expect(found(file, `\n${line}`)).toEqual([`2: ${what}`]);
  });

  it.each([
    [`${server}/core/a.ts`, 'import type { Clock } from "../ports/clock.ts";'],
    [`${server}/core/a.ts`, 'import { limits } from "@muster/sdk/protocol";'],
    [`${server}/compose.ts`, 'import { x } from "./adapters/clock/system-clock.ts";'],
    [`${server}/adapters/database/pglite/a.ts`, 'import { x } from "../pg/b.ts"; import pg from "pg";'],
    [`${server}/api/a.ts`, 'import type { Orchestrator } from "../core/orchestrator.ts";'],
    [`${server}/cli/commands/up.ts`, 'import { startMuster } from "../../main.ts"; import "node:fs";'],
    [`${server}/core/a.test.ts`, 'import "node:fs"; import { x } from "../test/orchestrate.ts";'],
    ["packages/agents/src/a.ts", 'import type { TaskContext } from "@muster/sdk";'],
  ])("lets %s have %s", (file, text) => {
    expect(found(file, text)).toEqual([]);
  });
});

describe("clock, chance and identity in core", () => {
  it.each([
    ["Date.now", "const at = Date.now();"],
    ["Date()", "const at = new Date();"],
    ["Date()", "const at = Date();"],
    ["setTimeout", "setTimeout(() => {}, 5);"],
    ["Math.random", "const chance = Math.random();"],
    ["Math.random", "const chance = [1].map(Math.random);"],
    ["crypto", "const id = crypto.randomUUID();"],
    ["process", "const home = process.env.HOME;"],
    ["globalThis", "globalThis.setTimeout(() => {}, 5);"],
    ["AbortSignal.timeout", "const signal = AbortSignal.timeout(5);"],
    ["performance", "const at = performance.now() as number;"],
  ])("refuses %s in: %s", (name, text) => {
    expect(found(`${server}/core/a.ts`, text)).toEqual([`1: core uses ${name}`]);
    expect(found(`${server}/adapters/clock/a.ts`, text)).toEqual([]);
  });

  it.each([
    "const at = new Date(ms).toISOString(); const ms = Date.parse(at);",
    "clock.setTimer(5, () => {}); const most = Math.max(1, 2);",
    "const settings = { process: 1, setTimeout: 2 }; use(settings.process);",
    "function run(process: () => void) { process(); }",
    "type Started = typeof Date; let at: Date;",
  ])("lets pass: %s", (text) => {
    expect(found(`${server}/core/a.ts`, text)).toEqual([]);
  });
});
