import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { fakeRun, fakeRunDetail, fakeTask } from "../../test/fake-client.ts";
import { completingClient, demoWorkflow, embedded } from "../../test/fake-run.ts";
import { runCli } from "../run-cli.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-cli-"));
  writeFileSync(join(folder, "demo.yaml"), demoWorkflow);
});
afterEach(() => rmSync(folder, { recursive: true }));

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
    const text = await refused([], demoWorkflow.replace("capability:", "capabilty:"));
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

test("workflow check tells every mistake of every file and exits with 2", async () => {
  writeFileSync(join(folder, "bad.yaml"), demoWorkflow.replace("capability:", "capabilty:"));
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
