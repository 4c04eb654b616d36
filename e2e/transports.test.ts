import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { createAgent, type Event, type RunningAgent } from "@muster/sdk";
import { type Muster, startMuster } from "muster";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startAgentProcess } from "./support/agent-processes.ts";
import { type CuttableProxy, startCuttableProxy } from "./support/cuttable-proxy.ts";
import { probeAgent } from "./support/probe-agent.mjs";
import {
  cleanUp,
  eventually,
  root,
  startProcess,
  temporaryFolder,
  waitForOutput,
} from "./support/processes.ts";
import { readSideFile } from "./support/side-file.ts";

type Transport = "in-process" | "websocket" | "http";
const transports: Transport[] = ["in-process", "websocket", "http"];
const another: Record<Transport, Transport> = {
  "in-process": "http",
  http: "websocket",
  websocket: "in-process",
};

const timeout = 60_000;
/** A lost agent is found out sooner than by default, so that no test waits long for it. */
const settings = { leaseMs: 6_000, heartbeatMs: 1_000, graceMs: 2_000 };

let muster: Muster;
let url: string;
let sideFile: string;
const agents: RunningAgent[] = [];

beforeAll(async () => {
  muster = await startMuster({ dataDir: null, listen: { port: 0 }, settings });
  url = muster.url!;
}, timeout);

afterAll(async () => {
  await muster?.stop(0);
  await cleanUp();
}, timeout);

beforeEach(() => {
  sideFile = join(temporaryFolder(), "notes");
});

afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop(0)));
}, timeout);

const lines = (...words: string[]) =>
  readSideFile(sideFile).filter((line) => words.every((word, index) => line[index] === word));

/** The one agent definition, over the transport that is asked for. */
async function connect(name: string, transport: Transport, at = url): Promise<RunningAgent> {
  const definition = probeAgent({ name, sideFile });
  if (transport === "in-process") {
    const agent = await muster.agent(definition);
    agents.push(agent);
    return agent;
  }
  const agent = createAgent(definition, { onProblem: () => undefined });
  agents.push(agent);
  await agent.start({ url: at, apiKey: muster.localKey, transport });
  return agent;
}

async function run(capability: string, input: unknown) {
  const { id } = await muster.client.tasks.submit({ capability, input, retry: { delayMs: 1 } });
  return muster.client.tasks.wait(id, { timeoutMs: 45_000 });
}

describe.each(transports)("an agent over %s", (transport) => {
  const name = `one-${transport}`;
  const other = `two-${transport}`;

  test("does a task", { timeout }, async () => {
    const agent = await connect(name, transport);
    expect(await run(`${name}.echo`, { text: "hello" })).toMatchObject({
      status: "completed",
      output: { text: "hello" },
      agent: name,
      agentId: agent.id,
      attempts: 1,
    });
  });

  test("never sees an input that breaks its schema, and its own bad output is refused", {
    timeout,
  }, async () => {
    await connect(name, transport);
    const badInput = await run(`${name}.echo`, { text: "hello", extra: 1 }).catch((error) => ({ error }));
    expect(badInput.error).toMatchObject({ code: "invalid_input" });
    expect(badInput.error?.message).toContain("extra");
    const { id } = await muster.client.tasks.submit({ capability: `${name}.lie`, retry: { maxAttempts: 1 } });
    const task = await muster.client.tasks.wait(id, { timeoutMs: 45_000 });
    expect(task).toMatchObject({ status: "failed", output: null, error: { code: "invalid_output" } });
    expect(task.error?.message).toContain("text");
  });

  test("fails a task in its own words, and is not asked again where that is no use", {
    timeout,
  }, async () => {
    await connect(name, transport);
    expect(await run(`${name}.fail`, {})).toMatchObject({
      status: "failed",
      attempts: 1,
      error: { code: "no_coffee", message: "The coffee is out." },
    });
  });

  test("fails a task whose output or step is too large, and goes on", { timeout }, async () => {
    await connect(name, transport);
    for (const step of [true, false]) {
      const { id } = await muster.client.tasks.submit({
        capability: `${name}.swell`,
        input: { step },
        retry: { maxAttempts: 1 },
      });
      const task = await muster.client.tasks.wait(id, { timeoutMs: 45_000 });
      expect(task).toMatchObject({ status: "failed", output: null, error: { code: "payload_too_large" } });
    }
    expect(await run(`${name}.echo`, { text: "next" })).toMatchObject({ status: "completed", attempts: 1 });
  });

  test(`delegates to an agent over ${another[transport]}`, { timeout }, async () => {
    await Promise.all([connect(name, transport), connect(other, another[transport])]);
    const task = await run(`${name}.delegate`, { to: `${other}.echo` });
    expect(task).toMatchObject({
      status: "completed",
      attempts: 1,
      output: { texts: ["one", "two", "three"] },
    });
    const { items } = await muster.client.tasks.list({ parentId: task.id });
    expect(items.map(({ agent }) => agent)).toEqual([other, other, other]);
  });

  test("journals its steps, and the next agent does not repeat them after a crash", { timeout }, async () => {
    const input = { steps: 30, pauseMs: 100 };
    const crash = await joinToCrash(name, transport);
    const { id } = await muster.client.tasks.submit({
      capability: `${name}.steps`,
      input,
      retry: { delayMs: 1 },
    });
    await eventually("it is in the middle", () => lines("journaled", id).length >= 3);
    await crash();
    const done = lines("journaled", id).length;
    await connect(name, transport);
    const task = await muster.client.tasks.wait(id, { timeoutMs: 45_000 });
    expect(task).toMatchObject({ status: "completed", attempts: 2, output: { pid: process.pid } });
    expect(task.output).toMatchObject({
      values: Array.from({ length: input.steps }, (_, index) => index * index),
    });
    expect(task.failedAttempts).toHaveLength(1);
    // Only the step that the crash cut off between its work and its entry may have been done twice.
    expect(lines("effect", id).length).toBeLessThanOrEqual(input.steps + 1);
    for (let step = 0; step < done; step++) expect(lines("effect", id, String(step))).toHaveLength(1);
  });

  test("stops its work when the task is cancelled", { timeout }, async () => {
    await connect(name, transport);
    const { id } = await muster.client.tasks.submit({ capability: `${name}.wait` });
    await eventually("it is at work", () => lines("waiting", id).length === 1);
    const report = await muster.client.tasks.cancel(id);
    expect(report).toEqual({ cancelled: [id], stopped: [{ taskId: id, agent: name }] });
    await eventually("the signal is aborted", () => lines("aborted", id).length === 1);
    expect(await muster.client.tasks.get(id)).toMatchObject({ status: "cancelled", output: null });
    expect(await run(`${name}.echo`, { text: "next" })).toMatchObject({ status: "completed" });
  });

  test("asks, tells and shouts, and says how far it is", { timeout }, async () => {
    const { latestEvent } = await muster.client.info();
    const [speaker] = await Promise.all([connect(name, transport), connect(other, another[transport])]);
    const task = await run(`${name}.talk`, { to: other, word: "ahoy" });
    expect(task).toMatchObject({ status: "completed", output: { name: other, asked: { question: "who?" } } });
    await eventually("both messages have arrived", () => lines("message", other, speaker.id!).length === 2);
    // Messages may overtake each other.
    expect(
      lines("message", other)
        .map((line) => line[3])
        .sort(),
    ).toEqual(['{"greeting":"ahoy"}', '{"shout":"ahoy"}']);
    expect(lines("message", name)).toEqual([]);
    const events = await eventually("progress and log are events", async () => {
      const types = ["task.progress", "task.log"] as const;
      const { items } = await muster.client.events.read({ after: latestEvent, taskId: task.id, types });
      return items.length === 2 && items;
    });
    expect(events.map(({ type, data }: Event) => [type, data])).toMatchObject([
      ["task.progress", { fraction: 0.5, message: "half way" }],
      ["task.log", { level: "info", message: "asking", fields: { peer: other } }],
    ]);
  });
});

/** An agent that can be crashed: a process that is killed, or, in process, one that drops everything. */
async function joinToCrash(name: string, transport: Transport): Promise<() => Promise<unknown>> {
  if (transport === "in-process") {
    const agent = await connect(name, transport);
    return () => agent.stop(0);
  }
  const agent = await startAgentProcess({ url, apiKey: muster.localKey, name, sideFile, transport });
  return () => agent.end("SIGKILL");
}

describe.each(["websocket", "http"] as const)("a cut connection over %s", (transport) => {
  const name = `cut-${transport}`;
  let proxy: CuttableProxy;
  beforeEach(async () => {
    proxy = await startCuttableProxy(url);
  });
  afterEach(() => proxy.close());

  test("is opened again by itself, and the work in hand goes on", { timeout }, async () => {
    const agent = await connect(name, transport, proxy.url);
    const { id } = await muster.client.tasks.submit({
      capability: `${name}.steps`,
      input: { steps: 20, pauseMs: 100 },
    });
    for (const step of [3, 8, 13]) {
      await eventually(`step ${step} is done`, () => lines("journaled", id).length >= step);
      expect(proxy.cut()).toBeGreaterThan(0);
    }
    const task = await muster.client.tasks.wait(id, { timeoutMs: 45_000 });
    expect(task).toMatchObject({ status: "completed", attempts: 1, agentId: agent.id });
    expect(lines("effect", id)).toHaveLength(20);
    expect(await run(`${name}.echo`, { text: "still here" })).toMatchObject({
      status: "completed",
      agentId: agent.id,
    });
  });
});

/** Nothing but Node is promised to be there; where it is not, that is said, and CI does not let it pass. */
function isMissing(...programs: string[]): boolean {
  const missing = programs.filter((program) => spawnSync(program, ["--version"]).status !== 0);
  if (missing.length > 0) console.warn(`NOT TESTED: ${missing.join(", ")} is not installed.`);
  return missing.length > 0 && process.env.CI === undefined;
}

describe.skipIf(isMissing("bash", "curl", "python3"))("the example agents", () => {
  const start = async (file: string, argv: string[]) => {
    const env = { MUSTER_URL: url, MUSTER_API_KEY: muster.localKey };
    const agent = startProcess(file, argv, { env });
    await waitForOutput(agent, /^Registered as /m);
    return agent;
  };
  const example = (name: string) => join(root, "examples", "agents", name);

  test("in bash, Python and JavaScript do tasks and delegate to each other", { timeout }, async () => {
    const running = await Promise.all([
      start("bash", [example("shell-agent.sh")]),
      start("python3", [example("python-agent.py")]),
      start(process.execPath, [example("node-agent.mjs")]),
    ]);
    const text = 'Four words "in" this.\nAnd more.';
    expect(await run("word_count", { text })).toMatchObject({ status: "completed", output: { words: 6 } });
    expect(await run("shout", { text: "hëllo" })).toMatchObject({
      status: "completed",
      output: { text: "HËLLO" },
    });
    const task = await run("headline", { text: "Good news. It works.", count: true });
    expect(task).toMatchObject({ status: "completed", output: { headline: "GOOD NEWS (4 words)" } });
    const before = await muster.client.agents.list({ capability: "word_count" });
    expect(before).toHaveLength(1);
    await Promise.all(running.map((agent) => agent.end("SIGTERM")));
    // They have said goodbye.
    await eventually("they are gone", async () => {
      const left = await muster.client.agents.list();
      return !left.some(({ name }) => ["shell-agent", "python-agent", "node-agent"].includes(name));
    });
  });
});
