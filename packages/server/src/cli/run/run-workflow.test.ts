import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "@muster/sdk";
import { type Event, type EventType, MusterError, type RunStart } from "@muster/sdk/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { createFakeClient, fakeFollow, fakeRun, fakeRunDetail, fakeTask } from "../../test/fake-client.ts";
import type { CliContext } from "../cli-context.ts";
import { runCli } from "../run-cli.ts";

type StartMuster = CliContext["startMuster"];

const workflow = `
name: demo
inputs:
  path: { type: string, format: path }
  depth: { type: integer, default: 1 }
steps:
  list:
    capability: list_it
    with: { path: "\${{ inputs.path }}" }
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-cli-"));
  writeFileSync(join(folder, "demo.yaml"), workflow);
});
afterEach(() => rmSync(folder, { recursive: true }));

let seq = 0;
const event = (type: EventType, taskId: string | null, data: Record<string, unknown>): Event => ({
  seq: ++seq,
  at: "2026-01-01T00:00:01.000Z",
  type,
  taskId,
  runId: fakeRun().id,
  agentId: null,
  tenant: "default",
  data,
});

const runEvents = () => [
  event("task.submitted", "a", { step: "list" }),
  event("run.step.started", null, { step: "list" }),
  event("task.started", "a", { step: "list", agent: "lister" }),
  event("task.completed", "a", { step: "list" }),
  event("run.step.finished", null, { step: "list", status: "completed" }),
  event("run.completed", null, {}),
];

/** A client on which a run completes at once; remembers what was started. */
function completingClient(detail = fakeRunDetail({ output: { report: "/tmp/report.md" } })) {
  const started: RunStart[] = [];
  const client = createFakeClient({
    runs: {
      start: async (request) => {
        started.push(request);
        return fakeRun();
      },
      wait: async () => detail,
      list: async () => ({ items: [], next: null }),
    },
    events: { follow: ({ signal } = {}) => fakeFollow(runEvents(), signal) },
  });
  return { client, started };
}

/** An embedded orchestrator with this client; counts its starts and stops. */
function embedded(client: Client) {
  const calls = { started: 0, stopped: 0, options: undefined as Parameters<StartMuster>[0] | undefined };
  const startMuster = (async (options) => {
    calls.started += 1;
    calls.options = options;
    options.onProgress?.("opening the store…");
    const stop = async () => {
      calls.stopped += 1;
    };
    return { client, stop };
  }) as StartMuster;
  return { startMuster, calls };
}

describe("a run on an orchestrator of its own", () => {
  test("tells what happens on standard error and the report on standard output", async () => {
    const { client, started } = completingClient();
    const { startMuster, calls } = embedded(client);
    const context = createFakeCliContext({ cwd: folder, startMuster });
    expect(await runCli(["run", "demo.yaml", "--input", "path=src"], context)).toBe(0);
    expect(context.stdout.text()).toBe("report: /tmp/report.md\n");
    expect(context.stderr.text()).toBe(
      `starting an orchestrator…
opening the store…
demo: run ${fakeRun().id} started
list (list_it) started
list completed in 0.0s
check completed
join completed
✔ demo completed after 12.1s: 3 tasks
`,
    );
    expect(started).toMatchObject([
      { workflow: { name: "demo" }, inputs: { path: join(folder, "src"), depth: 1 } },
    ]);
    expect(calls).toMatchObject({ started: 1, stopped: 1 });
    expect(calls.options).toMatchObject({
      dataDir: join(folder, ".muster"),
      listen: { host: "127.0.0.1", port: 0 },
      builtinAgents: true,
    });
  });

  test("--json prints the finished run alone, what scripts look for first", async () => {
    const { client } = completingClient();
    const context = createFakeCliContext({ cwd: folder, startMuster: embedded(client).startMuster });
    expect(await runCli(["run", "demo.yaml", "path=.", "--json"], context)).toBe(0);
    const run = JSON.parse(context.stdout.text());
    expect(Object.keys(run).slice(0, 4)).toEqual(["id", "status", "output", "tasks"]);
    const first = ["id", "capability", "agent", "status", "attempts", "startedAt", "finishedAt"];
    expect(Object.keys(run.tasks[0]).slice(0, 7)).toEqual(first);
  });

  test("a failed run names the failed task, its cause and the next step, and exits with 1", async () => {
    const failed = fakeTask({
      id: "0199aa41-7c1e-7000-8000-00000000f00d",
      status: "failed",
      step: "check",
      index: 12,
      attempts: 4,
      error: { code: "crashed", message: "the linter\u001b[2J crashed" },
    });
    const follower = fakeTask({
      status: "failed",
      error: { code: "dependency", message: "x", taskId: failed.id },
    });
    const { client } = completingClient(
      fakeRunDetail({
        status: "failed",
        tasks: [failed, follower],
        error: { code: "step_failed", message: "check failed" },
      }),
    );
    const context = createFakeCliContext({ cwd: folder, startMuster: embedded(client).startMuster });
    expect(await runCli(["run", "demo.yaml", "--input", "path=."], context)).toBe(1);
    expect(context.stderr.text()).toContain(
      `✖ check[12] by lister failed after 4 attempts: the linter crashed\n    muster why ${failed.id}\n`,
    );
    expect(context.stderr.text()).toContain(`muster run retry ${fakeRun().id}`);
    expect(context.stderr.text()).not.toContain(follower.id);
  });

  test("stays for a run that another command began on it", async () => {
    const { client } = completingClient();
    let looks = 0;
    const joined = { ...fakeRun(), createdAt: "2026-01-01T00:02:00.000Z" };
    const orphan = { ...fakeRun(), createdAt: "2025-12-31T00:00:00.000Z" };
    client.runs.list = async () => ({ items: ++looks < 3 ? [joined, orphan] : [orphan], next: null });
    const { startMuster, calls } = embedded(client);
    const context = createFakeCliContext({ cwd: folder, startMuster });
    expect(await runCli(["run", "demo.yaml", "--input", "path=."], context)).toBe(0);
    expect(looks).toBe(3);
    expect(calls.stopped).toBe(1);
    expect(context.stderr.text()).toContain("staying for another run");
  });
});

describe("mistakes are refused before anything starts", () => {
  const refused = async (argv: string[], text?: string) => {
    if (text !== undefined) writeFileSync(join(folder, "demo.yaml"), text);
    const context = createFakeCliContext({ cwd: folder });
    expect(await runCli(["run", "demo.yaml", ...argv], context)).toBe(2);
    expect(context.stdout.text()).toBe("");
    return context.stderr.text();
  };

  test("in the file: with line, column and hint", async () => {
    const text = await refused([], workflow.replace("capability:", "capabilty:"));
    expect(text).toMatch(/^demo\.yaml:8:5: .*capabilty.*\(did you mean "capability"\?\)/m);
    expect(text).toMatch(/error: \d+ mistakes? in demo\.yaml; nothing was started\n$/);
  });

  test.each([
    [[], 'the input "path" is missing'],
    [["--input", "paht=."], 'there is no input "paht" (did you mean "path"?)'],
    [["--input", "path=.", "--input", "depth=deep"], '"depth" must be a whole number, and "deep" is not'],
    [["--input", "path"], "--input wants name=value, not path"],
    [["--inputs-file", "none.json"], "cannot read none.json"],
  ])("in the inputs: %j", async (argv, message) => {
    expect(await refused(argv)).toContain(message);
  });

  test("in a file of inputs", async () => {
    writeFileSync(join(folder, "inputs.json"), "[1]");
    expect(await refused(["--inputs-file", "inputs.json"])).toContain("inputs.json must hold a JSON object");
    writeFileSync(join(folder, "inputs.json"), "{");
    expect(await refused(["--inputs-file", "inputs.json"])).toContain("inputs.json is not JSON");
  });
});

describe("which orchestrator does the run", () => {
  const serverFile = (url: string) => {
    mkdirSync(join(folder, ".muster"), { recursive: true });
    writeFileSync(join(folder, ".muster", "server.json"), JSON.stringify({ url, pid: 42, key: "local" }));
  };

  test("a running server, which sees the same files", async () => {
    serverFile("http://127.0.0.1:6878");
    const { client, started } = completingClient();
    const context = createFakeCliContext({
      cwd: folder,
      isProcessAlive: () => true,
      createClient: async () => client,
    });
    expect(await runCli(["run", "demo.yaml", "--input", "path=x"], context)).toBe(0);
    expect(context.stderr.text()).toContain("using the server at http://127.0.0.1:6878");
    expect(started[0]?.inputs).toMatchObject({ path: join(folder, "x") });
  });

  test("a server elsewhere gets paths as they were typed", async () => {
    const { client, started } = completingClient();
    const context = createFakeCliContext({
      cwd: folder,
      env: { MUSTER_API_KEY: "k" },
      createClient: async () => client,
    });
    const argv = ["run", "demo.yaml", "--input", "path=x", "--server", "http://far.example"];
    expect(await runCli(argv, context)).toBe(0);
    expect(started[0]?.inputs).toMatchObject({ path: "x" });
  });

  test("its own, where the server file has outlived its server", async () => {
    serverFile("http://127.0.0.1:6878");
    const away = createFakeClient({ info: () => Promise.reject(new MusterError("unavailable", "refused")) });
    const { startMuster, calls } = embedded(completingClient().client);
    const context = createFakeCliContext({
      cwd: folder,
      isProcessAlive: () => true,
      createClient: async () => away,
      startMuster,
    });
    expect(await runCli(["run", "demo.yaml", "--input", "path=x"], context)).toBe(0);
    expect(calls.started).toBe(1);
  });

  test("that of the process which holds the store, once it listens", async () => {
    const { client } = completingClient();
    const context = createFakeCliContext({
      cwd: folder,
      isProcessAlive: () => true,
      createClient: async () => client,
      startMuster: () => Promise.reject(new MusterError("storage_locked", "held by process 42")),
      sleep: async () => {
        serverFile("http://127.0.0.1:7000");
      },
    });
    expect(await runCli(["run", "demo.yaml", "--input", "path=x"], context)).toBe(0);
    expect(context.stderr.text()).toContain("using the server at http://127.0.0.1:7000");
  });
});

describe("Ctrl-C", () => {
  /** A client whose run goes on until it is cancelled. */
  function endlessClient() {
    const detail = fakeRunDetail({ status: "cancelled" });
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    return createFakeClient({
      runs: {
        start: async () => fakeRun(),
        wait: () => ended.then(() => detail),
        list: async () => ({ items: [], next: null }),
        cancel: async () => {
          end();
          return { cancelled: ["a", "b"], stopped: [{ taskId: "a", agent: "lister" }] };
        },
      },
      events: { follow: ({ signal } = {}) => fakeFollow([], signal) },
    });
  }

  test("cancels the run, says what was stopped and exits with 130", async () => {
    const { startMuster, calls } = embedded(endlessClient());
    const context = createFakeCliContext({ cwd: folder, startMuster });
    const running = runCli(["run", "demo.yaml", "--input", "path=x", "--json"], context);
    await expect.poll(() => context.stderr.text()).toContain("started");
    context.signal("SIGINT");
    expect(await running).toBe(130);
    expect(context.stderr.text()).toContain("2 tasks; told to stop: lister");
    expect(JSON.parse(context.stdout.text())).toMatchObject({ status: "cancelled" });
    expect(calls.stopped).toBe(1);
    expect(context.left).toEqual([]);
  });

  test("a second one leaves at once", async () => {
    const client = endlessClient();
    client.runs.cancel = () => new Promise(() => undefined);
    const context = createFakeCliContext({ cwd: folder, startMuster: embedded(client).startMuster });
    void runCli(["run", "demo.yaml", "--input", "path=x"], context);
    await expect.poll(() => context.stderr.text()).toContain("started");
    context.signal("SIGINT");
    await expect.poll(() => context.stderr.text()).toContain("cancelling");
    context.signal("SIGINT");
    expect(context.left).toEqual([130]);
  });

  test("before the run began, nothing is started", async () => {
    const { client, started } = completingClient();
    const { startMuster, calls } = embedded(client);
    const context = createFakeCliContext({
      cwd: folder,
      startMuster: async (options) => {
        context.signal("SIGINT");
        return startMuster(options);
      },
    });
    expect(await runCli(["run", "demo.yaml", "--input", "path=x"], context)).toBe(130);
    expect(started).toEqual([]);
    expect(calls.stopped).toBe(1);
  });
});

test("where events cannot be had, counts are asked for", async () => {
  const { client } = completingClient();
  const detail = fakeRunDetail();
  let polls = 0;
  client.events.follow = () => {
    throw new MusterError("unavailable", "no WebSocket through this proxy");
  };
  client.runs.get = async () =>
    ++polls < 3 ? { ...detail, status: "running", steps: fakeRun().steps } : detail;
  client.runs.wait = async () => {
    await expect.poll(() => polls).toBe(3);
    return detail;
  };
  const context = createFakeCliContext({ cwd: folder, startMuster: embedded(client).startMuster });
  expect(await runCli(["run", "demo.yaml", "--input", "path=x"], context)).toBe(0);
  expect(context.stderr.text()).toContain("check completed");
});

test("a run that waits for somebody who is not there says so once", async () => {
  const { client } = completingClient();
  client.events.follow = ({ signal } = {}) =>
    fakeFollow(
      [event("task.submitted", "a", { step: "list" }), event("task.submitted", "b", { step: "list" })],
      signal,
    );
  let looks = 0;
  client.tasks.deadlocks = async () => {
    looks += 1;
    return [
      { kind: "no_agent", taskIds: ["a"], reason: "Nobody offers list_it." },
      { kind: "no_agent", taskIds: ["b"], reason: "Nobody offers list_it." },
      { kind: "no_agent", taskIds: ["elsewhere"], reason: "Nobody offers add." },
    ];
  };
  client.runs.wait = async () => {
    await expect.poll(() => looks).toBeGreaterThan(2);
    return fakeRunDetail();
  };
  const context = createFakeCliContext({ cwd: folder, startMuster: embedded(client).startMuster });
  expect(await runCli(["run", "demo.yaml", "--input", "path=x"], context)).toBe(0);
  expect(context.stderr.text().match(/waiting: .*/g)).toEqual(["waiting: Nobody offers list_it."]);
});

test("workflow check tells every mistake of every file and exits with 2", async () => {
  writeFileSync(join(folder, "bad.yaml"), workflow.replace("capability:", "capabilty:"));
  const context = createFakeCliContext({ cwd: folder });
  expect(await runCli(["workflow", "check", "demo.yaml", "bad.yaml", "none.yaml", "--json"], context)).toBe(
    2,
  );
  const results = JSON.parse(context.stdout.text());
  expect(results.map((one: { valid: boolean }) => one.valid)).toEqual([true, false, false]);
  expect(context.stderr.text()).toContain("bad.yaml:8:5:");
  expect(context.stderr.text()).toContain("cannot read none.yaml");
  const good = createFakeCliContext({ cwd: folder });
  expect(await runCli(["workflow", "check", "demo.yaml"], good)).toBe(0);
});
