import { describe, expect, test } from "vitest";
import { createFakeCliContext } from "../test/fake-cli-context.ts";
import { runCli } from "./run-cli.ts";

const commands = [
  "up",
  "run",
  "run list",
  "run show",
  "run cancel",
  "run retry",
  "task submit",
  "task list",
  "task show",
  "task wait",
  "task cancel",
  "task retry",
  "agents",
  "agents list",
  "agents show",
  "agents maintenance",
  "agents available",
  "events",
  "why",
  "workflow check",
  "deadlocks",
  "keys create",
  "keys list",
  "keys revoke",
  "version",
];

describe("help", () => {
  test.each(commands)("muster %s --help shows examples and --json", async (command) => {
    const context = createFakeCliContext();
    expect(await runCli([...command.split(" "), "--help"], context)).toBe(0);
    const help = context.stdout.text();
    expect(help).toContain(`Usage: muster ${command}`);
    expect(help).toMatch(/Examples:\n {2}\$ muster /);
    expect(help).toContain("--json");
    expect(context.stderr.text()).toBe("");
  });

  test("muster alone shows what there is", async () => {
    const context = createFakeCliContext();
    expect(await runCli([], context)).toBe(0);
    for (const command of commands) expect(context.stdout.text()).toContain(command.split(" ")[0]);
  });

  test("a word that only holds commands shows them and is a misuse", async () => {
    const context = createFakeCliContext();
    expect(await runCli(["task"], context)).toBe(2);
    expect(context.stderr.text()).toContain("submit");
    expect(context.stdout.text()).toBe("");
  });
});

describe("misuse", () => {
  test.each([
    [["rnu"], "error: unknown command 'rnu'\nhint: did you mean run?"],
    [["task", "sumbit"], "error: unknown command 'sumbit'\nhint: did you mean submit?"],
    [["events", "--folow"], "error: unknown option '--folow'\nhint: did you mean --follow?"],
    [["agents", "lst"], "error: unknown command agents lst\nhint: did you mean agents list?"],
    [["why"], "error: missing required argument 'task'\nhint: see `muster why --help`"],
    [["why", "a", "b"], "error: too many arguments for 'why'"],
    [["run"], "error: which workflow file shall run?\nhint: "],
    [["run", "lst"], "error: cannot read lst: there is no such file\nhint: did you mean `muster run list`?"],
    [["run", "nothing.yaml"], "error: cannot read nothing.yaml: there is no such file"],
    [["run", "a.yaml", "b.yaml"], "error: one workflow file at a time; what is b.yaml?"],
    [["task", "list", "--limit", "0"], "error: --limit wants a whole number from 1 to 500, not 0"],
    [["task", "list", "--status", "done"], "Allowed choices are"],
    [["task", "submit"], "error: a task needs --capability or --agent"],
    [["task", "submit", "--capability", "x", "--input", "{a"], "error: --input is not JSON"],
    [["task", "submit", "--capability", "x", "--timeout", "soon"], "error: --timeout wants a duration"],
    [["agents", "--server", "muster:6878"], "error: --server is not the address of a server"],
    [["agents", "--server", "http://far.example"], "error: there is no API key for http://far.example"],
  ])("muster %j", async (argv, message) => {
    const context = createFakeCliContext();
    expect(await runCli(argv, context)).toBe(2);
    expect(context.stderr.text()).toContain(message);
    expect(context.stderr.text()).not.toContain("    at ");
    expect(context.stdout.text()).toBe("");
  });

  test("no server is a failure that says how to start one", async () => {
    const context = createFakeCliContext();
    expect(await runCli(["agents"], context)).toBe(1);
    expect(context.stderr.text()).toBe(
      "error: no Muster server is running here\nhint: Start one with `muster up`, or name one with --server URL or MUSTER_URL.\n",
    );
  });
});

test("the version is JSON alone where it is asked for", async () => {
  const context = createFakeCliContext();
  expect(await runCli(["version", "--json"], context)).toBe(0);
  expect(JSON.parse(context.stdout.text())).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
  });
});
