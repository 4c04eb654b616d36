import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@muster/sdk";
import { afterEach, expect, it } from "vitest";
import { cleanUp, eventually, startProcess, temporaryFolder, waitForOutput } from "./support/processes.ts";
import { binary, startFreshServer } from "./support/server-process.ts";

afterEach(cleanUp);

const muster = (cwd: string, home: string, argv: string[], env: Record<string, string> = {}) =>
  startProcess(process.execPath, [binary, ...argv], { cwd, env: { HOME: home, ...env } });

/** A server that doubles, and that does not end because somebody asks it to. */
const server = `
import { createInterface } from "node:readline";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
const child = spawn("sleep", ["600"], { stdio: "ignore" });
writeFileSync(process.argv[2], process.pid + " " + child.pid);
process.on("SIGTERM", () => {});
setInterval(() => {}, 1000);
const write = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result }) + "\\n");
const double = {
  name: "double",
  description: "Doubles a number.",
  inputSchema: { type: "object", required: ["value"], properties: { value: { type: "number" } } },
};
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === "initialize") write(id, { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "x", version: "1" } });
  if (method === "tools/list") write(id, { tools: [double] });
  if (method === "tools/call") write(id, { content: [], structuredContent: { doubled: params.arguments.value * 2 } });
});
`;

/** A project with a server in each of two files, and an agent that is the tool of the first. */
function project() {
  const folder = temporaryFolder();
  const home = join(temporaryFolder(), "home");
  mkdirSync(home);
  writeFileSync(join(folder, "server.mjs"), server);
  const entry = (name: string) => ({ command: process.execPath, args: ["server.mjs", `${name}.pid`] });
  writeFileSync(
    join(folder, "muster.yaml"),
    JSON.stringify({
      mcpServers: { desk: entry("desk") },
      agents: [
        { name: "doubler", kind: "mcp", mcp: { server: "desk", tool: "double" }, capabilities: ["double"] },
      ],
    }),
  );
  writeFileSync(join(folder, ".mcp.json"), JSON.stringify({ mcpServers: { shop: entry("shop") } }));
  const pidsOf = (name: string): number[] =>
    readFileSync(join(folder, `${name}.pid`), "utf8")
      .split(" ")
      .map(Number);
  return { folder, home, pidsOf };
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // One that nobody has waited for yet is dead all the same.
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};
const allGone = (pids: number[]): boolean => !pids.some(isAlive);

it("muster up opens the servers that were approved and no other, and none of them outlives it", {
  timeout: 120_000,
}, async () => {
  const { folder, home, pidsOf } = project();
  const approved = await muster(folder, home, ["mcp", "approve", "desk"]).ended;
  expect(approved).toMatchObject({ exitCode: 0, out: expect.stringContaining("server.mjs desk.pid") });

  const up = muster(folder, home, ["up", "--json", "--port", "0", "--yes", "--no-builtin-agents"]);
  const [line] = await waitForOutput(up, /^\{.*\}$/m);
  expect(up.err()).toMatch(/MCP server shop .* is NOT started, since nobody approved it/);
  expect(up.err()).toContain("muster mcp approve shop");
  const { url, adminKey } = JSON.parse(line) as { url: string; adminKey: string };
  const client = createClient({ url, apiKey: adminKey });
  const [agent] = await client.agents.list();
  expect(agent).toMatchObject({ name: "doubler", description: "Doubles a number." });
  const work = async (input: unknown) => {
    const { id } = await client.tasks.submit({ capability: "double", input });
    return client.tasks.wait(id, { timeoutMs: 60_000 });
  };
  expect(await work({ value: 21 })).toMatchObject({ status: "completed", output: { doubled: 42 } });
  await expect(work({ value: "x" })).rejects.toThrow(/value/);
  expect(existsSync(join(folder, "shop.pid"))).toBe(false);

  await muster(folder, home, ["mcp", "approve", "shop"]).ended;
  await eventually("the server opens", () => existsSync(join(folder, "shop.pid")));
  await eventually("it says so", () => /MCP server shop .* is open, with 1 tool/.test(up.err()));
  const list = await muster(folder, home, ["mcp", "list", "--json"]).ended;
  const { servers } = JSON.parse(list.out) as { servers: object[] };
  const running = [expect.objectContaining({ pid: up.pid, status: "ready" })];
  expect(servers).toMatchObject([
    { name: "desk", isApproved: true, running },
    { name: "shop", isApproved: true, running },
  ]);

  await muster(folder, home, ["mcp", "revoke", "desk"]).ended;
  await eventually("the revoked server ends", () => allGone(pidsOf("desk")));
  await eventually(
    "its agent leaves",
    async () => (await client.agents.list({ status: "available" })).length === 0,
  );

  const pids = pidsOf("shop");
  expect(allGone(pids)).toBe(false);
  await up.end("SIGKILL");
  await eventually("nothing is left of a server", () => allGone(pids));
});

it("muster work and muster run start the same agents, and leave nothing behind", {
  timeout: 120_000,
}, async () => {
  const { folder, home, pidsOf } = project();
  await muster(folder, home, ["mcp", "approve", "--all"]).ended;
  const { client, server: node, apiKey } = await startFreshServer(join(temporaryFolder(), "data"));
  const worker = muster(folder, home, ["work", "--config", "muster.yaml", "--server", node.url, "--json"], {
    MUSTER_API_KEY: apiKey,
  });
  await waitForOutput(worker, /"doubler"/);
  const { id } = await client.tasks.submit({ capability: "double", input: { value: 4 } });
  expect(await client.tasks.wait(id, { timeoutMs: 60_000 })).toMatchObject({ output: { doubled: 8 } });
  const pids = pidsOf("desk");
  expect(await worker.end("SIGTERM")).toMatchObject({ exitCode: 0 });
  expect(allGone(pids)).toBe(true);

  writeFileSync(
    join(folder, "flow.yaml"),
    "name: flow\nsteps:\n  one:\n    capability: double\n    with: { value: 5 }\noutput:\n  is: ${{ steps.one.output.doubled }}\n",
  );
  const run = await muster(folder, home, ["run", "flow.yaml", "--config", "muster.yaml"]).ended;
  expect(run).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^\{"is":10\}$/m) });
  expect(allGone(pidsOf("desk"))).toBe(true);
});
