import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { quickStart } from "./support/quick-start.ts";

// The real binary, as `npm test` has built it.
const binary = fileURLToPath(new URL("../packages/server/bin/muster.js", import.meta.url));

const listing = `
name: listing
inputs:
  path: { type: string, format: path, default: . }
steps:
  list:
    capability: list_files
    with: { path: "\${{ inputs.path }}" }
output:
  count: "\${{ size(steps.list.output.files) }}"
`;

const orphaned = `
name: orphaned
steps:
  wait:
    capability: nobody_offers_this
`;

interface Ended {
  exitCode: number | null;
  out: string;
  err: string;
}

interface Running {
  child: ChildProcess;
  out(): string;
  err(): string;
  ended: Promise<Ended>;
}

const patienceMs = 60_000;
vi.setConfig({ testTimeout: 2 * patienceMs, hookTimeout: 2 * patienceMs });

const running = new Set<ChildProcess>();

function start(cwd: string, argv: string[], env: Record<string, string> = {}): Running {
  const { MUSTER_URL, MUSTER_API_KEY, NO_COLOR, FORCE_COLOR, ...inherited } = process.env;
  const child = spawn(process.execPath, [...quickStart, binary, ...argv], {
    cwd,
    env: { ...inherited, ...env },
  });
  running.add(child);
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk) => {
    err += chunk;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (exitCode) => {
      running.delete(child);
      resolve({ exitCode, out, err });
    });
  });
  return { child, out: () => out, err: () => err, ended };
}

/** Waits until a process has said something; a busy machine takes its time. */
async function said(read: () => string, pattern: RegExp): Promise<void> {
  const untilMs = Date.now() + patienceMs;
  while (!pattern.test(read())) {
    if (Date.now() > untilMs) throw new Error(`${pattern} was not said, but:\n${read()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const muster = (cwd: string, argv: string[], env?: Record<string, string>) => start(cwd, argv, env).ended;

function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "muster-cli-"));
  mkdirSync(join(folder, "src"));
  writeFileSync(join(folder, "src", "a.ts"), "export const a = 1;\n");
  writeFileSync(join(folder, "src", "b.js"), "export const b = 2;\n");
  writeFileSync(join(folder, "listing.yaml"), listing);
  writeFileSync(join(folder, "orphaned.yaml"), orphaned);
  return folder;
}

async function endAll(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const closed = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGKILL");
      await closed;
    }),
  );
}

describe("without a server", () => {
  let folder: string;
  beforeEach(() => {
    folder = createFolder();
  });
  afterEach(async () => {
    await endAll();
    rmSync(folder, { recursive: true, force: true });
  });

  test("a workflow runs from start to end, and what it left behind can be looked at", async () => {
    const run = await muster(folder, ["run", "listing.yaml", "--input", "path=src"]);
    expect(run).toMatchObject({ exitCode: 0, out: '{"count":2}\n' });
    expect(run.err).toMatch(/list \(list_files\) started\n[\s\S]*✔ listing completed after .*: 1 task\n/);

    const list = await muster(folder, ["run", "list", "--json"]);
    const [kept] = JSON.parse(list.out).items;
    expect(kept).toMatchObject({
      workflow: "listing",
      status: "completed",
      inputs: { path: join(folder, "src") },
    });
    const show = await muster(folder, ["run", "show", kept.id]);
    expect(show).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/list +completed +list_files +1\/1/),
    });
    const unknown = await muster(folder, ["why", "0199aa41-7c1e-7000-8000-3f2b5c6d7e8f"]);
    expect(unknown).toMatchObject({ exitCode: 2, out: "", err: expect.stringContaining("error: ") });
  });

  test("--json prints the finished run and nothing else", async () => {
    const { exitCode, out } = await muster(folder, ["run", "listing.yaml", "--json"]);
    expect(exitCode).toBe(0);
    const run = JSON.parse(out);
    expect(run).toMatchObject({ status: "completed", output: { count: 2 } });
    expect(run.tasks).toMatchObject([{ capability: "list_files", agent: "file-lister", attempts: 1 }]);
  });

  test("mistakes are refused before anything starts", async () => {
    writeFileSync(join(folder, "bad.yaml"), listing.replace("capability:", "capabilty:"));
    const bad = await muster(folder, ["run", "bad.yaml", "--json"]);
    expect(bad).toMatchObject({ exitCode: 2, out: "" });
    expect(bad.err).toMatch(/^bad\.yaml:7:5: /m);
    const input = await muster(folder, ["run", "listing.yaml", "--input", "paht=src"]);
    expect(input).toMatchObject({
      exitCode: 2,
      out: "",
      err: expect.stringContaining('did you mean "path"'),
    });
    const option = await muster(folder, ["run", "listing.yaml", "--jsno"]);
    expect(option).toMatchObject({ exitCode: 2, err: expect.stringContaining("did you mean --json?") });
    expect(existsSync(join(folder, ".muster"))).toBe(false);
  });

  test("Ctrl-C cancels the run, says so and exits with 130", async () => {
    const run = start(folder, ["run", "orphaned.yaml", "--json"]);
    await said(run.err, /waiting: .*nobody_offers_this/);
    run.child.kill("SIGINT");
    const { exitCode, out, err } = await run.ended;
    expect(exitCode).toBe(130);
    expect(JSON.parse(out)).toMatchObject({ status: "cancelled", tasks: [{ status: "cancelled" }] });
    expect(err).toMatch(/cancelled run .*: 1 task; no agent was at work/);
    expect(existsSync(join(folder, ".muster", "server.json"))).toBe(false);
  });

  test("a second run in the same folder joins the orchestrator of the first", async () => {
    const first = start(folder, ["run", "orphaned.yaml"]);
    await said(first.err, /orphaned: run .* started/);
    const second = await muster(folder, ["run", "listing.yaml", "--json"]);
    expect(second.exitCode).toBe(0);
    expect(second.err).toContain("using the server at http://127.0.0.1:");
    first.child.kill("SIGINT");
    expect((await first.ended).exitCode).toBe(130);
  });
});

describe("with a server", () => {
  let folder: string;
  let server: Running;
  beforeAll(async () => {
    folder = createFolder();
    server = start(folder, ["up", "--port", "0"]);
    await said(server.out, /Muster is up at http:\/\/127\.0\.0\.1:[\s\S]*follow/);
  });
  afterAll(async () => {
    await endAll();
    rmSync(folder, { recursive: true, force: true });
  });

  test("the first start prints the admin key, once", () => {
    expect(server.out()).toMatch(/admin key: \S+\n {2}It is shown this once/);
  });

  test("a second server on the same folder is refused with the address of the first", async () => {
    const second = await muster(folder, ["up", "--port", "0"]);
    expect(second.exitCode).toBe(1);
    expect(second.err).toContain("a server already runs on .muster: http://127.0.0.1:");
  });

  test("tasks are submitted, waited for, shown and explained", async () => {
    const input = JSON.stringify({ path: folder });
    const argv = ["task", "submit", "--capability", "list_files", "--input", input, "--wait"];
    const submitted = await muster(folder, argv);
    expect(submitted.exitCode).toBe(0);
    expect(JSON.parse(submitted.out).files).toHaveLength(2);
    const list = await muster(folder, ["task", "list", "--status", "completed"]);
    expect(list.out).toMatch(/^ID +STATUS[\s\S]*completed[\s\S]*list_files/);
    const waiting = await muster(folder, ["task", "submit", "--capability", "nobody_offers_this"]);
    const id = waiting.out.trim();
    expect(await muster(folder, ["why", id])).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining("nobody_offers_this"),
    });
    const deadlocks = await muster(folder, ["deadlocks", "--json"]);
    expect(JSON.parse(deadlocks.out)).toMatchObject([{ kind: "no_agent", taskIds: [id] }]);
    expect(await muster(folder, ["task", "cancel", id])).toMatchObject({ exitCode: 0 });
    expect((await muster(folder, ["task", "cancel", id])).exitCode).toBe(1);
    expect((await muster(folder, ["task", "show", id])).out).toContain("cancelled");
  });

  test("agents are listed and taken out of discovery by name", async () => {
    expect((await muster(folder, ["agents"])).out).toMatch(/file-lister .* available +0\/2 .*list_files/);
    const out = await muster(folder, ["agents", "maintenance", "file-lister"]);
    expect(out).toMatchObject({ exitCode: 0, out: expect.stringContaining("is maintenance") });
    expect((await muster(folder, ["agents", "available", "file-lister"])).out).toContain("is available");
  });

  test("events are followed until the reader goes away or Ctrl-C", async () => {
    const following = start(folder, ["events", "--follow", "--after", "0", "--json"]);
    await said(following.out, /agent\.registered.*\n/);
    for (const line of following.out().trim().split("\n")) expect(JSON.parse(line).seq).toBeGreaterThan(0);
    following.child.kill("SIGINT");
    expect((await following.ended).exitCode).toBe(0);
    const cut = start(folder, ["events", "--follow", "--after", "0"]);
    cut.child.stdout?.destroy();
    expect(await cut.ended).toMatchObject({ exitCode: 0, err: "" });
  });

  test("a key works until it is revoked", async () => {
    const created = await muster(folder, ["keys", "create", "ci", "--json"]);
    const { id, key } = JSON.parse(created.out);
    const env = { MUSTER_API_KEY: key };
    expect((await muster(folder, ["task", "list"], env)).exitCode).toBe(0);
    expect((await muster(folder, ["keys", "revoke", id])).exitCode).toBe(0);
    expect((await muster(folder, ["task", "list"], env)).exitCode).toBe(2);
    expect((await muster(folder, ["keys", "list"])).out).toMatch(/ci .*revoked/);
  });

  test("stops gracefully on SIGTERM", async () => {
    server.child.kill("SIGTERM");
    const { exitCode, err } = await server.ended;
    expect(exitCode).toBe(0);
    expect(err).toMatch(/stopping: .*\n(?:.*\n)*stopped\n$/);
    expect(existsSync(join(folder, ".muster", "server.json"))).toBe(false);
  });
});
