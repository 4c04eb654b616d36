import type { Client } from "@muster/sdk";
import type { Rollout, RolloutDetail, RolloutStart } from "@muster/sdk/protocol";
import { describe, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { createFakeClient } from "../../test/fake-client.ts";
import { runCli } from "../run-cli.ts";

const rollout: Rollout = {
  id: "0199aa41-7c1e-7000-8000-00000000000a",
  capability: "greet",
  tenant: "*",
  status: "running",
  holds: true,
  candidate: { version: "2" },
  baseline: null,
  steps: [{ candidate: 10 }, { candidate: 100 }],
  step: 0,
  weights: { baseline: 90, candidate: 10 },
  rollback: {
    errorRate: 0.05,
    latencyRatio: null,
    latencyMeasure: "p95",
    differenceRate: null,
    minSamples: 20,
  },
  comparison: null,
  shadowTasks: 1_000,
  whenAway: "baseline",
  cause: null,
  startedBy: "somebody",
  createdAt: "2026-01-01T00:00:00.000Z",
  stepStartedAt: "2026-01-01T00:00:30.000Z",
  endedAt: null,
};
const none = { completed: 0, failed: 0, errorRate: null, meanMs: null, p95Ms: null };
const detail: RolloutDetail = {
  ...rollout,
  outcomes: {
    baseline: { completed: 90, failed: 10, errorRate: 0.1, meanMs: 12.5, p95Ms: 40 },
    candidate: none,
    shadow: none,
  },
  comparisons: {
    open: 0,
    equal: 3,
    different: 1,
    failed: 0,
    differences: [
      { taskId: "t-1", shadowTaskId: "t-2", path: "/a", baseline: "1", candidate: "2\u001b[31m", note: null },
    ],
  },
};

async function muster(argv: string, calls: Partial<Client["rollouts"]>) {
  const client = { ...createFakeClient({}), rollouts: calls } as Client;
  const env = { MUSTER_URL: "http://127.0.0.1:6878", MUSTER_API_KEY: "k" };
  const context = createFakeCliContext({ env, createClient: async () => client });
  const exitCode = await runCli(argv.split(" "), context);
  return { exitCode, out: context.stdout.text(), err: context.stderr.text() };
}

const holding = { list: async () => ({ items: [rollout], next: null }) };

describe("rollout", () => {
  test("starts with what was said and nothing more", async () => {
    let asked: RolloutStart | undefined;
    const calls = {
      start: async (request: RolloutStart) => {
        asked = request;
        return rollout;
      },
    };
    const { out } = await muster("rollout start greet --candidate 2", calls);
    expect(asked).toEqual({
      capability: "greet",
      candidate: { version: "2" },
      steps: [{ candidate: 10 }, { candidate: 50 }, { candidate: 100 }],
      rollback: {},
    });
    expect(out).toBe(`step 1 of 2: the candidate gets 10 % of greet (rollout ${rollout.id})\n`);
    await muster(
      "rollout start greet --candidate name=new,version=2 --baseline name=old --steps 0,50,100 --shadow 20 " +
        "--after-successes 5 --after 10m --max-errors 2.5 --max-slower 1.5 --max-different 10 --min-samples 7 " +
        "--compare-with same --shadow-tasks 9 --wait --tenant acme",
      calls,
    );
    const promoteAfter = { successes: 5, durationMs: 600_000 };
    expect(asked).toEqual({
      capability: "greet",
      candidate: { name: "new", version: "2" },
      baseline: { name: "old" },
      steps: [
        { candidate: 0, shadow: 20, promoteAfter },
        { candidate: 50, shadow: 20, promoteAfter },
        { candidate: 100, promoteAfter },
      ],
      rollback: { errorRate: 0.025, latencyRatio: 1.5, differenceRate: 0.1, minSamples: 7 },
      comparison: "same",
      shadowTasks: 9,
      whenAway: "wait",
      tenant: "acme",
    });
  });

  test("refuses options that make no sense", async () => {
    const wrong = [
      "--steps 10,x",
      "--steps 10,101",
      "--max-slower 0.5",
      "--max-errors 200",
      "--candidate nme=x",
    ];
    for (const option of wrong) {
      const { exitCode } = await muster(`rollout start greet --candidate 2 ${option}`, {});
      expect([option, exitCode]).toEqual([option, 2]);
    }
    expect((await muster("rollout start greet", {})).exitCode).toBe(2);
  });

  test("shows how the sides compare", async () => {
    const { out } = await muster("rollout status greet", { ...holding, get: async () => detail });
    expect(out).toContain("[10 %] → 100 %");
    expect(out).toMatch(/baseline\s+90\s+10\s+10\.0 %\s+13 ms\s+40 ms/);
    expect(out).toContain("results compared: 3 equal, 1 different");
    expect(out).not.toContain("\u001b");
    const json = await muster("rollout status greet --json", { ...holding, get: async () => detail });
    expect(JSON.parse(json.out)).toEqual(detail);
  });

  test("finds the rollout of a capability and changes it", async () => {
    const ids: string[] = [];
    const promote = async (id: string) => {
      ids.push(id);
      return { ...rollout, status: "promoted" as const, weights: { baseline: 0, candidate: 100 } };
    };
    expect((await muster("rollout promote greet --to-end", { ...holding, promote })).out).toBe(
      "promoted: the candidate gets 100 % of greet\n",
    );
    expect(ids).toEqual([rollout.id]);
    const nothing = { list: async () => ({ items: [], next: null }) };
    const missing = await muster("rollout abort nothing", nothing);
    expect([missing.exitCode, missing.err]).toEqual([2, expect.stringContaining("no rollout of nothing")]);
  });
});
