import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, expect, it } from "vitest";
import {
  cleanUp,
  eventually,
  root,
  startProcess,
  temporaryFolder,
  waitForOutput,
} from "./support/processes.ts";
import { binary, startFreshServer, startServer } from "./support/server-process.ts";

/** Servers are started for these, on a machine that may be busy. */
const patience = { timeout: 120_000 };
afterEach(cleanUp);

const startWorker = (argv: string[], env: Record<string, string>) =>
  startProcess(process.execPath, [binary, "work", ...argv], { env });

function writeModule(folder: string, text: string): string {
  const path = join(folder, "agents.mjs");
  writeFileSync(path, text);
  return path;
}

it(
  "muster work runs the agents of a module, as many tasks at once as it is told, until it is stopped",
  patience,
  async () => {
    const folder = temporaryFolder();
    const { server, client, apiKey } = await startFreshServer(join(folder, "data"));
    const path = writeModule(
      folder,
      `export default async () => [
      { name: "echo", capabilities: [{ name: "echo", handler: ({ input }) => input }] },
      { name: "twice", capabilities: [{ name: "twice", handler: ({ input }) => input * 2 }] },
    ];`,
    );
    const worker = startWorker([path, "--server", server.url, "--concurrency", "3", "--json"], {
      MUSTER_API_KEY: apiKey,
    });
    await waitForOutput(worker, /"agents"/);
    const agents = await client.agents.list();
    expect(agents.map(({ name, maxConcurrency }) => [name, maxConcurrency]).sort()).toEqual([
      ["echo", 3],
      ["twice", 3],
    ]);
    const { id } = await client.tasks.submit({ capability: "twice", input: 21 });
    expect(await client.tasks.wait(id, { timeoutMs: 30_000 })).toMatchObject({ output: 42, agent: "twice" });
    expect(await worker.end("SIGTERM")).toMatchObject({
      exitCode: 0,
      err: expect.stringContaining("stopped"),
    });
    expect(await client.agents.list()).toEqual([]);
  },
);

it("a worker waits for a server that is not up yet", patience, async () => {
  const folder = temporaryFolder();
  const dataDir = join(folder, "data");
  const first = await startFreshServer(dataDir);
  await first.server.end("SIGTERM");
  const worker = startWorker(["--server", first.server.url, "--transport", "http"], {
    MUSTER_API_KEY: first.apiKey,
  });
  await eventually("it says that it waits", () => worker.err().includes("waiting for the server"));
  const server = await startServer({ dataDir, port: first.server.port });
  await eventually("it works", () => worker.err().includes("working for"));
  expect(worker.err()).toContain("code-reviewer");
  await worker.end("SIGTERM");
  await server.end("SIGTERM");
});

it("a module without an agent, a module that is not there and a refused key are told", patience, async () => {
  const folder = temporaryFolder();
  const { server } = await startFreshServer(join(folder, "data"));
  const env = { MUSTER_API_KEY: "wrong", MUSTER_URL: server.url };
  const path = writeModule(folder, "export default { name: 'x' };");
  const wrong = await startWorker([path], env).ended;
  expect(wrong).toMatchObject({
    exitCode: 2,
    err: expect.stringContaining("no agent as its default export"),
  });
  const missing = await startWorker([join(folder, "nowhere.mjs")], env).ended;
  expect(missing).toMatchObject({ exitCode: 2, err: expect.stringContaining("there is no module") });
  const sdk = pathToFileURL(join(root, "packages/sdk/dist/index.js")).href;
  const good = writeModule(
    folder,
    `import "${sdk}"; export default { name: "x", capabilities: [{ name: "x", handler() {} }] };`,
  );
  const refused = await startWorker([good], env).ended;
  expect(refused).toMatchObject({ exitCode: 2, err: expect.stringContaining("API key is not known") });
});
