import { expect, it } from "vitest";
import { checkAgentsFile } from "./check-agents-file.ts";

const command = { kind: "command", name: "old", capabilities: ["work"], command: ["true"] };
const http = { kind: "http", name: "new", capabilities: ["work"], url: "https://example.org/work" };
const a2a = { kind: "a2a", name: "far", card: "https://example.org/agent" };
const claude = { kind: "claude-code", name: "claude", capabilities: ["change"] };
const mcp = { kind: "mcp", name: "tool", capabilities: ["work"], mcp: { server: "shop", tool: "buy" } };
const mistakesOf = (...agents: unknown[]) => checkAgentsFile({ agents }).mistakes;

it("takes commands and endpoints as they should be", () => {
  const full = {
    ...command,
    version: "1.0",
    name: "full",
    maxConcurrency: 2,
    timeoutMs: 1_000,
    maxOutputBytes: 100,
    cwd: "sub",
    passEnv: ["TOKEN"],
    env: { MODE: "old" },
    output: "text",
    capabilities: [{ name: "work", inputSchema: { type: "object" } }],
  };
  const trusted = {
    ...claude,
    name: "trusted",
    permissionMode: "bypassPermissions",
    dangerouslySkipPermissions: true,
    maxBudgetUsd: 0.5,
  };
  const far = {
    ...a2a,
    capabilities: ["work"],
    skills: { work: "w 1" },
    origins: ["https://b.example:8443"],
  };
  expect(checkAgentsFile({ agents: [command, http, full, far, mcp, claude, trusted] })).toEqual({
    agents: [command, http, full, far, mcp, claude, trusted],
    mistakes: [],
  });
});

it("names every mistake with its place, and lets nothing of the file through", () => {
  const wrong: [unknown, (string | number)[]][] = [
    [{ ...command, comand: 1 }, ["agents", 0, "comand"]],
    [{ ...command, kind: "constructor" }, ["agents", 0, "kind"]],
    [{ ...command, command: [] }, ["agents", 0, "command"]],
    [{ ...command, shell: "true" }, ["agents", 0]],
    [{ ...command, timeoutMs: 0 }, ["agents", 0, "timeoutMs"]],
    [{ ...command, passEnv: ["A=B"] }, ["agents", 0, "passEnv", "0"]],
    [{ ...http, url: "ftp://example.org" }, ["agents", 0, "url"]],
    [{ ...http, url: `https://${"user:pass"}@example.org` }, ["agents", 0, "url"]],
    [{ ...http, headers: { x: "a\r\nb: c" } }, ["agents", 0, "headers", "x"]],
    [{ ...http, command: ["true"] }, ["agents", 0, "command"]],
    [{ ...a2a, card: "file:///etc/passwd" }, ["agents", 0, "card"]],
    [{ ...a2a, card: `https://${"user:pass"}@example.org` }, ["agents", 0, "card"]],
    [{ ...a2a, origins: ["https://example.org/path"] }, ["agents", 0, "origins", "0"]],
    [{ ...a2a, skills: { work: "w" } }, ["agents", 0, "skills", "work"]],
    [{ ...a2a, url: "https://example.org" }, ["agents", 0, "url"]],
    [{ ...a2a, refreshMs: 1 }, ["agents", 0, "refreshMs"]],
    [{ ...claude, permissionMode: "bypassPermissions" }, ["agents", 0, "permissionMode"]],
    [{ ...claude, dangerouslySkipPermissions: true }, ["agents", 0, "permissionMode"]],
    [{ ...claude, maxBudgetUsd: 0 }, ["agents", 0, "maxBudgetUsd"]],
    [{ ...claude, settingSources: ["managed"] }, ["agents", 0, "settingSources", "0"]],
    [{ ...claude, prompt: "x" }, ["agents", 0, "prompt"]],
    [{ ...mcp, mcp: { server: "shop" } }, ["agents", 0, "mcp"]],
    [{ ...mcp, mcp: { server: "shop", tool: "buy", port: 1 } }, ["agents", 0, "mcp", "port"]],
    [{ ...mcp, capabilities: undefined }, ["agents", 0]],
    [{ ...mcp, command: ["true"] }, ["agents", 0, "command"]],
    ["old", ["agents", 0]],
  ];
  for (const [agent, path] of wrong) {
    const { agents, mistakes } = checkAgentsFile({ agents: [agent, http] });
    expect([mistakes[0]?.path, agents]).toEqual([path, []]);
  }
  expect(mistakesOf({ ...command, comand: 1, tiemout: 2 }, { ...http, uri: 3 }).length).toBe(3);
  expect(mistakesOf(command, command)[0]?.message).toContain("same version");
  expect(mistakesOf({ ...command, capabilities: ["work", "work"] })[0]?.path).toEqual(["agents", 0]);
  for (const document of [null, [], {}, { agents: {} }, { agents: [] }, { agent: [command] }])
    expect(checkAgentsFile(document).mistakes.length).toBeGreaterThan(0);
});

it("takes a file that says which models there are, with agents or without", () => {
  expect(checkAgentsFile({ models: { default: "fast" } })).toEqual({ agents: [], mistakes: [] });
  expect(checkAgentsFile({ models: {}, agents: [command] })).toEqual({ agents: [command], mistakes: [] });
  expect(checkAgentsFile({ model: {} }).mistakes).not.toEqual([]);
});
