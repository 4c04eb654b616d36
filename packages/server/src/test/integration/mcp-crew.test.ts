import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import {
  type ScriptedProviders,
  startProviders,
} from "../../../../runtime/src/test/providers/start-providers.ts";
import { type RunningCrew, startCrew } from "../../crew/start-crew.ts";
import { findMcpServers, openApprovals } from "../../mcp-servers.ts";
import { root } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator({ leaseMs: 5_000, heartbeatMs: 1_000 });
const patient = { timeout: 20_000 };
let providers: ScriptedProviders;
beforeAll(async () => {
  providers = await startProviders({ script: [] });
});
afterAll(() => providers.close());

let place: string;
let folder: string;
let env: Record<string, string>;
let crew: RunningCrew | undefined;
const said: string[] = [];
beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "muster-mcp-")));
  folder = join(place, "shop");
  mkdirSync(join(folder, ".claude/agents"), { recursive: true });
  env = {
    HOME: join(place, "home"),
    PATH: process.env.PATH ?? "",
    ANTHROPIC_API_KEY: "sk-ant-a-key-of-a-test",
  };
  said.length = 0;
});
afterEach(async () => {
  await crew?.close();
  rmSync(place, { recursive: true });
});

/** A server whose tools answer with a word and with all that it knows of its surroundings. */
const nameServer = (word: string, ...tools: string[]): string => {
  const text = `
    import { createInterface } from "node:readline";
    const list = ${JSON.stringify(tools)}.map((name) => ({ name, description: "Says ${word}.", inputSchema: { type: "object" } }));
    createInterface({ input: process.stdin }).on("line", (line) => {
      const { id, method, params } = JSON.parse(line);
      const result = { initialize: { protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "x", version: "1" } }, "tools/list": { tools: list }, "tools/call": { content: [{ type: "text", text: "${word} " + JSON.stringify(process.env) }] } }[method];
      if (result) process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result }) + "\\n");
    });`;
  writeFileSync(join(folder, `${word}.mjs`), text);
  return JSON.stringify({ mcpServers: { shop: { command: process.execPath, args: [`${word}.mjs`] } } });
};
const write = (path: string, text: string): void => writeFileSync(join(folder, path), text);
const agent = (name: string, ...lines: string[]): void =>
  write(
    `.claude/agents/${name}.md`,
    `---\n${[`name: ${name}`, `description: The ${name}.`, ...lines].join("\n")}\n---\nYou are the ${name}.\n`,
  );

async function approveAll(): Promise<void> {
  const approvals = openApprovals(env, folder);
  for (const { file, servers } of await findMcpServers({ folder }))
    for (const named of servers) await approvals.approve(file, named);
}

async function start(): Promise<void> {
  const { orchestrator } = at.muster;
  crew = await startCrew({
    folder,
    env,
    claudeAgents: true,
    configured: {
      file: "muster.yaml",
      folder,
      env,
      agents: [{ name: "talker", kind: "mcp", mcp: { server: "shop", tool: "say" }, capabilities: ["talk"] }],
      models: {
        providers: [{ name: "anthropic", kind: "anthropic", baseURL: providers.baseURL("anthropic") }],
      },
    },
    start: (definition) => at.muster.agent(definition),
    putAside: (id) => orchestrator.agents.setStatus(id, "maintenance", root),
    say: (sentence) => said.push(sentence),
    warn: (sentence) => said.push(`warning: ${sentence}`),
    quietMs: 20,
  });
}

/** What an agent with a scripted model is offered, and what it gets to read when it calls the server's tool. */
async function ask(name: string, tool = "mcp__shop__say") {
  const input = {};
  providers.play([
    {
      when: { system: `You are the ${name}.` },
      turns: [{ toolCalls: [{ name: tool, input }] }, { text: "Done." }],
    },
  ]);
  const [task] = await at.muster.finish({ capability: name, agent: name, input: "Ask the shop." });
  expect(task).toMatchObject({ status: "completed" });
  const [first, second] = providers.requests.slice(-2);
  return { offered: [...(first?.tools ?? [])].sort(), read: JSON.stringify(second?.messages) };
}

const available = async (): Promise<string[]> =>
  (await at.muster.orchestrator.agents.list({ status: "available" }, root)).map(({ name }) => name).sort();

test("agents have the tools of approved servers as far as their files say, while these are approved", async () => {
  write(".mcp.json", nameServer("hello", "say", "buy"));
  agent("clerk", "tools: Read, mcp__shop__say");
  agent("owner", "tools: mcp__shop", "disallowedTools: mcp__shop__buy");
  agent("painter", "tools: Read");
  await start();
  expect(said.join("\n")).toMatch(/warning: MCP server shop .*NOT started.*muster mcp approve shop/);
  expect(said.join("\n")).toContain("the agent talker joins once the MCP server shop offers a tool say");
  expect((await ask("clerk")).offered).toEqual(["Read"]);
  expect(await available()).toEqual(["clerk", "owner", "painter"]);

  await approveAll();
  await expect.poll(available, patient).toContain("talker");
  const clerk = await ask("clerk");
  expect(clerk.offered).toEqual(["Read", "mcp__shop__say"]);
  expect(clerk.read).toContain("hello");
  // The server gets no key of this process.
  expect(clerk.read).not.toContain("ANTHROPIC_API_KEY");
  expect((await ask("owner")).offered).toEqual(["mcp__shop__say"]);
  const painter = await ask("painter");
  expect(painter.offered).toEqual(["Read"]);
  expect(painter.read).toContain("There is no tool mcp__shop__say");
  const [task] = await at.muster.finish({ capability: "talk", input: {} });
  expect(task?.output).toEqual({ text: expect.stringMatching(/^hello /) });

  // Another entry is another server: it is closed at once, and its agent leaves.
  write(".mcp.json", nameServer("bye", "say"));
  await expect.poll(available, patient).not.toContain("talker");
  expect((await ask("clerk")).offered).toEqual(["Read"]);
  await approveAll();
  await expect.poll(available, patient).toContain("talker");
  expect((await ask("clerk")).read).toContain("bye");
}, 60_000);

test("a server that an agent brings along is that agent's alone", async () => {
  nameServer("own", "say");
  agent(
    "clerk",
    `mcpServers: [{ shop: { command: ${JSON.stringify(process.execPath)}, args: [own.mjs] } }]`,
    "tools: mcp__shop__say",
  );
  agent("owner", "tools: mcp__shop__say");
  await approveAll();
  await start();
  expect((await ask("clerk")).read).toContain("own");
  expect((await ask("owner")).offered).toEqual([]);
}, 60_000);

test("an agent without a model that can't be put aside does not stay to be given work", async () => {
  agent("clerk");
  delete env.ANTHROPIC_API_KEY;
  crew = await startCrew({
    folder,
    env,
    claudeAgents: true,
    start: (definition) => at.muster.agent(definition),
    putAside: () => Promise.reject(new Error("The key may not do that.")),
    say: (sentence) => said.push(sentence),
    warn: (sentence) => said.push(sentence),
  });
  expect(said.join("\n")).toMatch(/clerk of .* could not be started: The key may not do that\./);
  expect(await available()).toEqual([]);
});
