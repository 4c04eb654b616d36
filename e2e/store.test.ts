import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@muster/sdk";
import { afterEach, describe, expect, test } from "vitest";
import { startAgentProcess } from "./support/agent-processes.ts";
import { cleanUp, eventually, startProcess, temporaryFolder } from "./support/processes.ts";
import { binary, startFreshServer, startServer } from "./support/server-process.ts";
import { readSideFile } from "./support/side-file.ts";

afterEach(cleanUp);

const timeout = 90_000;
const up = (dataDir: string) =>
  startProcess(process.execPath, [
    binary,
    "up",
    "--json",
    "--port",
    "0",
    "--data-dir",
    dataDir,
    "--no-builtin-agents",
  ]).ended;

describe("a data folder belongs to one process", () => {
  test("a second one is refused, and the first goes on", { timeout }, async () => {
    const dataDir = join(temporaryFolder(), "data");
    const { server, client } = await startFreshServer(dataDir);
    const second = await up(dataDir);
    expect(second).toMatchObject({ exitCode: 1, out: "" });
    expect(second.err).toContain(
      `a server already runs on ${dataDir}: ${server.url} (process ${server.pid})`,
    );
    expect(second.err).toContain("hint: ");
    // Without the file that says where the server is, the lock alone refuses, and says who has it.
    writeFileSync(join(dataDir, "server.json"), "{}");
    const third = await up(dataDir);
    expect(third).toMatchObject({ exitCode: 1, out: "" });
    expect(third.err).toMatch(new RegExp(`error: .*${server.pid}`));
    expect(third.err).toContain("hint: ");
    expect(await client.info()).toMatchObject({ name: "muster" });
    const { id } = await client.tasks.submit({ capability: "nobody_offers_this" });
    expect((await client.tasks.get(id)).status).toBe("ready");
  });

  test("the lock of a killed server is taken over, and what was acknowledged is there", {
    timeout,
  }, async () => {
    const dataDir = join(temporaryFolder(), "data");
    const { server, client, apiKey } = await startFreshServer(dataDir);
    const submitted = await client.tasks.submit([
      { ref: "a", capability: "nobody_offers_this", input: { text: "kept" }, priority: "high" },
      { ref: "b", capability: "nobody_offers_this", dependsOn: ["a"] },
    ]);
    const { latestEvent } = await client.info();
    await server.end("SIGKILL");
    expect(existsSync(join(dataDir, "lock"))).toBe(true);
    const next = await startServer({ dataDir });
    expect(next.adminKey).toBeNull();
    const again = createClient({ url: next.url, apiKey });
    expect(await again.tasks.get(submitted[0]!.id)).toMatchObject({
      status: "ready",
      input: { text: "kept" },
      priority: "high",
    });
    expect(await again.tasks.get(submitted[1]!.id)).toMatchObject({ status: "blocked" });
    expect((await again.info()).latestEvent).toBeGreaterThanOrEqual(latestEvent);
    expect(JSON.parse(readFileSync(join(dataDir, "server.json"), "utf8"))).toMatchObject({ pid: next.pid });
    expect(readdirSync(dataDir).filter((name) => /\.(new|taken)$/.test(name))).toEqual([]);
  });

  test("a server killed while it created its store leaves a folder that the next start can use", {
    timeout,
  }, async () => {
    const dataDir = join(temporaryFolder(), "data");
    const first = startProcess(process.execPath, [binary, "up", "--port", "0", "--data-dir", dataDir]);
    await eventually("the store is being created", () => first.err().includes("creating the store"));
    await first.end("SIGKILL");
    const next = await startServer({ dataDir });
    // The key of the first start was never shown, so this one must show one.
    expect(next.adminKey).toMatch(/^mk_/);
    expect(await createClient({ url: next.url, apiKey: next.adminKey! }).info()).toMatchObject({
      name: "muster",
    });
  });
});

test("SIGTERM lets the tasks that run finish, and keeps those that wait for the next start", {
  timeout,
}, async () => {
  const dataDir = join(temporaryFolder(), "data");
  const sideFile = join(temporaryFolder(), "effects");
  const { server, client, apiKey } = await startFreshServer(dataDir);
  const agent = await startAgentProcess({
    url: server.url,
    apiKey,
    name: "worker",
    sideFile,
    maxConcurrency: 2,
  });
  const submitted = await client.tasks.submit(
    Array.from({ length: 4 }, () => ({ capability: "worker.slow", input: { ms: 1_500 } })),
  );
  const begun = await eventually("two tasks run", () => {
    const lines = readSideFile(sideFile).filter(([what]) => what === "begin");
    return lines.length === 2 && lines.map(([, id]) => id!);
  });
  const { exitCode, err } = await server.end("SIGTERM");
  expect(exitCode).toBe(0);
  expect(err).toMatch(/stopping: [\s\S]*stopped\n$/);
  expect(existsSync(join(dataDir, "server.json"))).toBe(false);
  expect(existsSync(join(dataDir, "lock"))).toBe(false);

  // The agent is still there and comes back by itself.
  const next = await startServer({ dataDir, port: server.port });
  const again = createClient({ url: next.url, apiKey });
  for (const id of begun)
    expect(await again.tasks.get(id)).toMatchObject({ status: "completed", attempts: 1 });
  const ended = await Promise.all(submitted.map(({ id }) => again.tasks.wait(id, { timeoutMs: 60_000 })));
  for (const task of ended)
    expect(task).toMatchObject({ status: "completed", attempts: 1, output: { pid: agent.pid } });
});
