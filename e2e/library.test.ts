import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Muster, startMuster } from "muster";
import { afterEach, expect, test } from "vitest";
import { cleanUp, root, startProcess, temporaryFolder } from "./support/processes.ts";

const timeout = 60_000;
const started: Muster[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((muster) => muster.stop(0)));
  await cleanUp();
}, timeout);

async function start(options: Parameters<typeof startMuster>[0]): Promise<Muster> {
  const muster = await startMuster({ dataDir: null, listen: false, ...options });
  started.push(muster);
  return muster;
}

test("the example runs as it stands, leaves nothing and ends by itself", { timeout }, async () => {
  const cwd = temporaryFolder();
  const { exitCode, out, err } = await startProcess(
    process.execPath,
    [join(root, "examples", "library.mjs")],
    { cwd },
  ).ended;
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
  expect(out).toMatch(
    /^host: completed, bread, cheese, 12 chairs for 5\.00\n(?: {2}shopper found .+\n){3}two-prices: completed, /,
  );
  expect(readdirSync(cwd)).toEqual([]);
});

const program = `
import { startMuster } from "muster";
const muster = await startMuster({
  dataDir: "data",
  listen: false,
  agents: [{ name: "adder", capabilities: [{ name: "add", handler: ({ input }) => input.a + input.b }] }],
});
const { client } = muster;
const { id } = await client.tasks.submit({ capability: "add", input: { a: 1, b: 2 } });
const { status, output } = await client.tasks.wait(id);
const { items } = await client.tasks.list({ status: "completed" });
console.log(JSON.stringify({ url: muster.url ?? null, status, output, completed: items.length }));
await muster.stop();
`;

test("somebody's own program keeps its work in a folder from one start to the next", {
  timeout,
}, async () => {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, "node_modules"));
  symlinkSync(join(root, "packages", "server"), join(cwd, "node_modules", "muster"));
  writeFileSync(join(cwd, "program.mjs"), program);
  for (const completed of [1, 2]) {
    const { exitCode, out, err } = await startProcess(process.execPath, ["program.mjs"], { cwd }).ended;
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(JSON.parse(out)).toEqual({ url: null, status: "completed", output: 3, completed });
    expect(readdirSync(join(cwd, "data"))).not.toContain("lock");
  }
});

test("two in one process know nothing of each other, and a folder is free again after stop", {
  timeout,
}, async () => {
  const dataDir = join(temporaryFolder(), "data");
  const [first, second] = [await start({ dataDir }), await start({})];
  const { id } = await first.client.tasks.submit({ capability: "x" });
  await expect(second.client.tasks.get(id)).rejects.toMatchObject({ code: "not_found" });
  await expect(startMuster({ dataDir, listen: false })).rejects.toMatchObject({ code: "storage_locked" });
  await first.stop();
  const third = await start({ dataDir });
  expect(await third.client.tasks.get(id)).toMatchObject({ status: "ready" });
  expect(third.adminKey).toBeNull();
});

test("the client in process waits, follows, cancels and refuses like the one over HTTP", {
  timeout,
}, async () => {
  const muster = await start({});
  const heard: string[] = [];
  const agent = await muster.agent({
    name: "worker",
    capabilities: [
      { name: "double", handler: ({ input }) => input * 2 },
      {
        name: "hang",
        handler: ({ signal }) =>
          new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      },
    ],
  });
  const { client } = muster;
  await expect(client.tasks.submit({ capability: "double", inptu: 1 } as never)).rejects.toMatchObject({
    code: "invalid_request",
    message: expect.stringContaining("inptu"),
  });
  const watching = new AbortController();
  const watcher = (async () => {
    for await (const { type } of client.events.follow({
      after: 0,
      types: ["task.completed", "task.cancelled"],
      signal: watching.signal,
    })) {
      heard.push(type);
      if (heard.length === 2) return;
    }
  })();
  const { id } = await client.tasks.submit({ capability: "double", input: 21 });
  expect(await client.tasks.wait(id)).toMatchObject({ status: "completed", output: 42, agentId: agent.id });
  const hanging = await client.tasks.submit({ capability: "hang" });
  await expect(client.tasks.wait(hanging.id, { timeoutMs: 200 })).rejects.toMatchObject({ code: "timeout" });
  expect((await client.tasks.cancel(hanging.id)).stopped).toEqual([{ taskId: hanging.id, agent: "worker" }]);
  await watcher;
  expect(heard).toEqual(["task.completed", "task.cancelled"]);
  watching.abort();
});

test("an agent that can't be refuses the start, and the folder is free again", { timeout }, async () => {
  const dataDir = join(temporaryFolder(), "data");
  const agents = [{ name: "not a name", capabilities: [] }];
  await expect(startMuster({ dataDir, listen: false, agents })).rejects.toMatchObject({
    code: "invalid_request",
  });
  expect(await (await start({ dataDir })).client.info()).toMatchObject({ name: "muster" });
});
