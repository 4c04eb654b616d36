import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BudgetResume, BudgetState, TaskSubmission } from "@muster/sdk/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { createFakeClient, fakeRun, fakeRunDetail } from "../../test/fake-client.ts";
import { completingClient, demoWorkflow } from "../../test/fake-run.ts";
import { runCli } from "../run-cli.ts";

const env = { MUSTER_URL: "http://127.0.0.1:6878", MUSTER_API_KEY: "k" };
const reached: BudgetState = {
  id: "0199aa41-7c1e-7000-8000-00000000000b",
  taskId: null,
  limits: { moneyMicros: 2_500_000, tasks: 10, timeMs: 600_000 },
  onReached: "pause",
  spent: { moneyMicros: 2_420_500, tokens: 1_200, tasks: 3 },
  reserved: { moneyMicros: 0, tokens: 0 },
  reached: { kind: "money", at: "2026-01-01T00:00:05.000Z" },
  endsAt: null,
};

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "muster-budget-"));
  writeFileSync(join(cwd, "flow.yaml"), demoWorkflow);
});
afterEach(() => rmSync(cwd, { recursive: true }));

async function muster(client: ReturnType<typeof createFakeClient>, ...argv: string[]) {
  const context = createFakeCliContext({ env, cwd, createClient: async () => client });
  const exitCode = await runCli(argv, context);
  return { exitCode, out: context.stdout.text(), err: context.stderr.text() };
}

describe("a budget on the command line", () => {
  test("goes with the run", async () => {
    const { client, started } = completingClient();
    const limits = ["--budget", "money=2.50,tokens=100k,time=10m,tasks=500,depth=0", "--on-budget", "pause"];
    const { exitCode } = await muster(client, "run", "flow.yaml", "path=.", ...limits);
    expect(exitCode).toBe(0);
    const amounts = { moneyMicros: 2_500_000, tokens: 100_000, timeMs: 600_000, tasks: 500, depth: 0 };
    expect(started[0]?.budget).toEqual({ ...amounts, onReached: "pause" });
  });

  test("is not sent where none was said", async () => {
    const { client, started } = completingClient();
    await muster(client, "run", "flow.yaml", "path=.");
    expect(started[0]).not.toHaveProperty("budget");
  });

  test("goes with a task", async () => {
    const submitted: TaskSubmission[] = [];
    const client = createFakeClient({
      tasks: {
        submit: (async (task: TaskSubmission) => {
          submitted.push(task);
          return { id: "t", ref: null, status: "ready", duplicate: false };
        }) as never,
      },
    });
    await muster(client, "task", "submit", "--capability", "add", "--budget", "tasks=3");
    expect(submitted).toEqual([{ capability: "add", budget: { tasks: 3 } }]);
  });

  test.each([
    ["money=-1", "money must be an amount such as 2.50"],
    ["money=1,money=2", "money is there twice"],
    ["coins=1", "a budget has no coins"],
    ["tasks=0", "tasks must be a whole number from 1"],
    ["tokens", '"tokens" is not name=value'],
  ])("%s is refused before anything starts", async (limits, mistake) => {
    const { client, started } = completingClient();
    const { exitCode, err } = await muster(client, "run", "flow.yaml", "path=.", "--budget", limits);
    expect(exitCode).toBe(2);
    expect(err).toContain(mistake);
    expect(started).toEqual([]);
  });

  test("that was reached is shown with the way to go on", async () => {
    const paused = fakeRunDetail({ status: "paused", budget: reached, finishedAt: null });
    const { client } = completingClient(paused);
    const { exitCode, err } = await muster(client, "run", "flow.yaml", "path=.");
    expect(exitCode).toBe(1);
    expect(err).toContain("money 2.4205 of 2.50, tokens 1200, tasks 3 of 10");
    expect(err).toContain(`muster run resume ${paused.id} --add money=1`);
  });

  test("is raised by resuming", async () => {
    const resumed: BudgetResume[] = [];
    const client = createFakeClient({
      runs: {
        resume: async (_id, more = {}) => {
          resumed.push(more);
          return fakeRun();
        },
      },
    });
    const { exitCode, out } = await muster(client, "run", "resume", fakeRun().id, "--add", "money=1,time=5m");
    expect(exitCode).toBe(0);
    expect(resumed).toEqual([{ add: { moneyMicros: 1_000_000, timeMs: 300_000 } }]);
    expect(out).toContain("is running");
  });
});
