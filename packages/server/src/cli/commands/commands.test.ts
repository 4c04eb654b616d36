import type { Client } from "@muster/sdk";
import { type Agent, type Event, MusterError, type TaskSubmission } from "@muster/sdk/protocol";
import { describe, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { createFakeClient, fakeFollow, fakeRun, fakeRunDetail, fakeTask } from "../../test/fake-client.ts";
import type { CliContext } from "../cli-context.ts";
import { runCli } from "../run-cli.ts";

/** A busy machine takes its time. */
const patient = { timeout: 10_000 };

const env = { MUSTER_URL: "http://127.0.0.1:6878", MUSTER_API_KEY: "k" };

async function muster(
  argv: string[],
  parts: Parameters<typeof createFakeClient>[0],
  more: Partial<CliContext> = {},
) {
  const client: Client = createFakeClient(parts);
  const context = createFakeCliContext({ env, createClient: async () => client, ...more });
  const exitCode = await runCli(argv, context);
  return { exitCode, out: context.stdout.text(), err: context.stderr.text() };
}

describe("task submit", () => {
  const submitted: TaskSubmission[] = [];
  const tasks = {
    submit: async (task: TaskSubmission) => {
      submitted.push(task);
      return { id: "t-1", ref: null, status: "ready", duplicate: false };
    },
    wait: async () => ({ ...fakeTask({ id: "t-1", output: { sum: 3 } }), dependsOn: [], failedAttempts: [] }),
  } as unknown as Client["tasks"];
  const last = () => submitted.at(-1);

  test("sends what was said and nothing more, and prints the id", async () => {
    const argv = ["task", "submit", "--capability", "add", "--input", '{"a":1}', "--priority", "high"];
    const { exitCode, out } = await muster(argv, { tasks });
    expect(exitCode).toBe(0);
    expect(out).toBe("t-1\n");
    expect(last()).toEqual({ capability: "add", input: { a: 1 }, priority: "high" });
  });

  test("takes dependencies, durations and attempts", async () => {
    const argv =
      "task submit --agent adder --after a b,c --join any --timeout 1h30m --delay 500ms --attempts 2";
    await muster(argv.split(" "), { tasks });
    expect(last()).toEqual({
      agent: "adder",
      dependsOn: ["a", "b", "c"],
      join: "any",
      timeoutMs: 5_400_000,
      delayMs: 500,
      retry: { maxAttempts: 2 },
    });
  });

  test("reads the input from standard input", async () => {
    const readStdin = async () => "[1, 2]";
    await muster(["task", "submit", "--capability", "add", "--input-file", "-"], { tasks }, { readStdin });
    expect(last()).toEqual({ capability: "add", input: [1, 2] });
  });

  test("--wait prints the output", async () => {
    const { exitCode, out, err } = await muster(["task", "submit", "--capability", "add", "--wait"], {
      tasks,
    });
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toEqual({ sum: 3 });
    expect(err).toContain("task t-1 completed by lister");
  });

  test("an input twice is a misuse", async () => {
    const argv = ["task", "submit", "--capability", "add", "--input", "1", "--input-file", "x.json"];
    expect(await muster(argv, { tasks })).toMatchObject({ exitCode: 2, out: "" });
  });
});

describe("task wait", () => {
  const failed = {
    ...fakeTask({ status: "failed", error: { code: "x", message: "it broke" } }),
    dependsOn: [],
    failedAttempts: [],
    budget: null,
  };

  test("a failed task exits with 1 and the next step", async () => {
    const { exitCode, out, err } = await muster(["task", "wait", failed.id], {
      tasks: { wait: async () => failed },
    });
    expect(exitCode).toBe(1);
    expect(out).toBe("");
    expect(err).toContain("failed by lister: it broke");
    expect(err).toContain(`muster why ${failed.id}`);
  });

  test("Ctrl-C ends the waiting and not the task", async () => {
    const client = createFakeClient({
      tasks: {
        wait: (_id, { signal } = {}) =>
          new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
      },
    });
    const context = createFakeCliContext({ env, createClient: async () => client });
    const waiting = runCli(["task", "wait", "t-1"], context);
    await new Promise((resolve) => setTimeout(resolve, 20));
    context.signal("SIGINT");
    expect(await waiting).toBe(130);
    expect(context.stderr.text()).toContain("the task goes on: muster task wait t-1");
  });
});

test("an unknown task is a misuse", async () => {
  const explain = () =>
    Promise.reject(new MusterError("not_found", "There is no task x.", { hint: "List them." }));
  expect(await muster(["why", "x"], { tasks: { explain } })).toEqual({
    exitCode: 2,
    out: "",
    err: "error: There is no task x.\nhint: List them.\n",
  });
});

test("why tells the summary, the reasons and what to do", async () => {
  const explain = async () => ({
    taskId: "t-1",
    status: "ready" as const,
    summary: "No agent can take it.",
    reasons: ["Nobody offers add."],
    nextSteps: ["Start an agent."],
  });
  const { out } = await muster(["why", "t-1"], { tasks: { explain } });
  expect(out).toBe("No agent can take it.\n  Nobody offers add.\nWhat to do:\n  Start an agent.\n");
});

test("listings are tables for people and pages for programs", async () => {
  const runs = {
    list: async () => ({ items: [fakeRunDetail()], next: "cursor" }),
    get: async () => fakeRunDetail(),
  };
  const tasks = { list: async () => ({ items: [fakeTask()], next: null }) };
  const list = await muster(["run", "list"], { runs });
  expect(list.out.split("\n")[1]).toBe(`${fakeRun().id}  demo      completed    3/3  1m ago   12.1s`);
  expect(list.err).toContain("--before cursor");
  const before = await muster(["run", "--json", "list"], { runs });
  expect(JSON.parse(before.out)).toMatchObject({ items: [{ workflow: "demo" }], next: "cursor" });
  const show = await muster(["run", "show", fakeRun().id], { runs });
  expect(show.out).toContain("STEP   STATUS     CAPABILITY  DONE");
  expect((await muster(["task", "list", "--json"], { tasks })).out).toContain('"capability": "list_it"');
  expect((await muster(["task", "list"], { tasks })).out).toContain(
    "completed  medium    list_it  lister    1/4",
  );
});

describe("agents", () => {
  const agent: Agent = {
    id: "a-1",
    name: "reviewer",
    type: "custom",
    description: "Reviews code.",
    capabilities: [{ name: "code_review", description: "Finds faults." }, { name: "lint" }],
    status: "available",
    load: 1,
    maxConcurrency: 4,
    healthScore: 0.987,
    lastSeen: "2026-01-01T00:00:55.000Z",
    metadata: {},
  };
  const get = () => Promise.reject(new MusterError("agent_unknown", "no such agent"));

  test("are listed with load, health and capabilities", async () => {
    const { out } = await muster(["agents"], { agents: { list: async () => [agent] } });
    expect(out).toBe(
      "NAME      ID   TYPE    STATUS     LOAD  HEALTH  BREAKER  CAPABILITIES\n" +
        "reviewer  a-1  custom  available   1/4    0.99  closed   code_review, lint\n",
    );
  });

  test("are found by name where the name is one agent's", async () => {
    const set: string[] = [];
    const setStatus = async (id: string) => {
      set.push(id);
      return { ...agent, status: "maintenance" as const };
    };
    const found = await muster(["agents", "maintenance", "reviewer"], {
      agents: { get, setStatus, list: async () => [agent] },
    });
    expect(found).toMatchObject({ exitCode: 0, out: "reviewer (a-1) is maintenance\n" });
    expect(set).toEqual(["a-1"]);
    const twice = await muster(["agents", "show", "reviewer"], {
      agents: { get, list: async () => [agent, { ...agent, id: "a-2" }] },
    });
    expect(twice).toMatchObject({ exitCode: 2, err: expect.stringContaining("a-1, a-2") });
    const none = await muster(["agents", "show", "nobody"], { agents: { get, list: async () => [] } });
    expect(none).toMatchObject({ exitCode: 2 });
  });
});

describe("events", () => {
  const event = (seq: number): Event => ({
    seq,
    at: "2026-01-01T00:00:01.250Z",
    type: "task.failed",
    taskId: "t-1",
    runId: null,
    agentId: "a-1",
    tenant: "default",
    data: { agent: "reviewer", attempt: 2, error: { code: "x", message: "it\nbroke" } },
  });

  test("--follow prints one line per event until Ctrl-C, and exits with 0", async () => {
    const client = createFakeClient({
      events: { follow: ({ signal } = {}) => fakeFollow([event(7)], signal) },
    });
    const context = createFakeCliContext({ env, createClient: async () => client });
    const following = runCli(["events", "--follow"], context);
    await expect.poll(() => context.stdout.text(), patient).not.toBe("");
    context.signal("SIGINT");
    expect(await following).toBe(0);
    expect(context.stdout.text()).toBe(
      "7 00:00:01.250 task.failed task t-1 agent=reviewer attempt=2 error=x: it broke\n",
    );
  });

  test("--follow ends when the reader of its output has gone", async () => {
    const client = createFakeClient({
      events: { follow: ({ signal } = {}) => fakeFollow([event(1), event(2)], signal) },
    });
    const context = createFakeCliContext({ env, createClient: async () => client });
    const following = runCli(["events", "--follow", "--json"], context);
    await expect.poll(() => context.stdout.text().split("\n").length, patient).toBe(3);
    context.stdout.hangUp();
    expect(await following).toBe(0);
    expect(
      context.stdout
        .text()
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).seq),
    ).toEqual([1, 2]);
  });

  test("without --follow prints the newest, oldest first", async () => {
    const read = async ({ after = 0, limit = 500 } = {}) => ({
      items: Array.from({ length: 1_200 }, (_, at) => event(at + 1))
        .filter((one) => one.seq > after)
        .slice(0, limit),
      latest: 1_200,
    });
    const parts = {
      events: { read },
      info: async () => ({ name: "muster", version: "1", latestEvent: 1_200 }),
    };
    const seqs = (out: string) =>
      out
        .trim()
        .split("\n")
        .map((line) => Number(line.split(" ")[0]));
    expect(seqs((await muster(["events", "--limit", "2"], parts)).out)).toEqual([1_199, 1_200]);
    expect(seqs((await muster(["events", "--run", "r", "--limit", "2"], parts)).out)).toEqual([1_199, 1_200]);
    expect(seqs((await muster(["events", "--after", "5", "--limit", "2"], parts)).out)).toEqual([6, 7]);
  });
});

test("a new key is alone on standard output", async () => {
  const create = async (request: { name: string }) => ({
    ...request,
    id: "k-1",
    role: "agent" as const,
    tenant: "default",
    createdAt: "2026-01-01T00:00:00.000Z",
    revokedAt: null,
    key: "muster_secret",
  });
  const { out, err } = await muster(["keys", "create", "ci", "--role", "agent"], { keys: { create } });
  expect(out).toBe("muster_secret\n");
  expect(err).toContain("it is shown this once");
});

test("deadlocks are told with their reason", async () => {
  const deadlocks = async () => [
    { kind: "no_agent" as const, taskIds: ["t-1"], reason: "Nobody offers add." },
  ];
  const { exitCode, out } = await muster(["deadlocks"], { tasks: { deadlocks } });
  expect(exitCode).toBe(0);
  expect(out).toBe("no_agent: Nobody offers add.\n  t-1\n");
});
