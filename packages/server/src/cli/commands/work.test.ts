import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentDefinition } from "@muster/sdk";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CrewOptions } from "../../crew/start-crew.ts";
import type { WorkerOptions } from "../../start-worker.ts";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { createFakeClient } from "../../test/fake-client.ts";
import type { CliContext } from "../cli-context.ts";
import { runCli } from "../run-cli.ts";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "muster-work-"));
  mkdirSync(join(cwd, ".claude/agents"), { recursive: true });
  writeFileSync(
    join(cwd, "muster.yaml"),
    "models:\n  providers:\n    - { name: house, kind: openai }\nagents:\n  - { name: old, kind: command, shell: cat, capabilities: [work] }\n",
  );
});
afterEach(() => rmSync(cwd, { recursive: true }));

/** What a worker and its crew were started with, and the agents that joined. */
async function work(...argv: string[]) {
  const seen: {
    worker?: WorkerOptions;
    crew?: CrewOptions;
    order: string[];
    ids: unknown[];
    planners: unknown[];
  } = { order: [], ids: [], planners: [] };
  const startPlanner = async ({ models }: { models?: unknown }) => {
    seen.planners.push(models);
    return { planner: { close: async () => void seen.order.push("planner closes") } };
  };
  const goals = (async () => ({ startPlanner })) as unknown as CliContext["goals"];
  const startWorker = (async (options: WorkerOptions) => {
    seen.worker = options;
    return {
      agents: [{ name: "one", id: "1" }],
      start: async (definition: AgentDefinition) => {
        seen.ids.push(definition.id);
        return { id: definition.id, stop: async () => undefined };
      },
      stop: async () => void seen.order.push("agents stop"),
    };
  }) as unknown as CliContext["startWorker"];
  const startCrew = async (options: CrewOptions) => {
    seen.crew = options;
    await options.start({ name: "a", id: "claude-a", capabilities: [] });
    await options.start({ name: "b", capabilities: [] });
    return {
      unfollow: async () => void seen.order.push("unfollow"),
      close: async () => void seen.order.push("close"),
    };
  };
  const context = createFakeCliContext({
    cwd,
    env: { MUSTER_URL: "http://far.example", MUSTER_API_KEY: "k" },
    startWorker,
    goals,
    crew: async () => ({ startCrew }),
    createClient: async () => createFakeClient({}),
  });
  const running = runCli(["work", ...argv], context);
  await expect.poll(() => context.stderr.text(), { timeout: 10_000 }).toContain("working for");
  context.signal("SIGTERM");
  expect(await running).toBe(0);
  return seen;
}

test("starts what files make agents of as a server does, and lets go in the same order", async () => {
  const { worker, crew, order, ids } = await work("--config", "muster.yaml");
  expect(crew).toMatchObject({
    folder: cwd,
    claudeAgents: true,
    configured: { agents: [{ name: "old" }], models: { providers: [{ name: "house" }] } },
  });
  expect(worker?.builtinAgents).toBe(false);
  // Agents of a folder have an id for each machine and place; others get theirs from the server.
  expect(ids).toEqual([expect.stringMatching(/^claude-a-[0-9a-f]{8}$/), undefined]);
  expect(order).toEqual(["unfollow", "agents stop", "planner closes", "close"]);
});

test("runs the built-in agents beside those of .claude, unless it is told otherwise", async () => {
  const usual = await work();
  expect([usual.worker?.builtinAgents, usual.crew?.claudeAgents]).toEqual([true, true]);
  expect(usual.crew?.configured).toBeUndefined();
  // Without a model there is nobody to plan.
  expect(usual.planners).toEqual([]);
  const none = await work("--no-claude-agents", "--no-builtin-agents");
  expect([none.worker?.builtinAgents, none.crew]).toEqual([false, undefined]);
});
