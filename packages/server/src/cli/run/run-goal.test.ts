import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunningAgent } from "@muster/sdk";
import { parseWorkflow } from "@muster/workflow";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type ScriptedProviders,
  startProviders,
} from "../../../../runtime/src/test/providers/start-providers.ts";
import { type Muster, startMuster } from "../../main.ts";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { demoWorkflow } from "../../test/fake-run.ts";
import type { CliContext } from "../cli-context.ts";
import { runCli } from "../run-cli.ts";
import { isGoal } from "./run-goal.ts";

let providers: ScriptedProviders;
let muster: Muster;
beforeAll(async () => {
  providers = await startProviders({ script: [] });
  muster = await startMuster({ dataDir: null, listen: false, builtinAgents: true });
}, 60_000);
afterAll(async () => {
  await muster.stop();
  await providers.close();
});

/** One orchestrator serves the file; the agents that a command brought leave with it. */
const share: CliContext["startMuster"] = async () => {
  const joined: RunningAgent[] = [];
  return {
    ...muster,
    async agent(definition) {
      const agent = await muster.agent(definition);
      joined.push(agent);
      return agent;
    },
    stop: async () => void (await Promise.all(joined.map((agent) => agent.stop(0)))),
  };
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-goal-"));
  (providers.requests as unknown[]).length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = (name: string, text: string): void => writeFileSync(join(folder, name), text);

const goal = "look which files are here";
const plan = `
name: look
steps:
  list: { capability: list_files, with: { path: "\${{ inputs.folder }}" } }
output: "\${{ size(steps.list.output.files) }}"
`;

/** A command in the folder, with an orchestrator in memory; `typed` makes it a terminal. */
async function run(argv: string[], { typed, ...more }: Partial<CliContext> & { typed?: string } = {}) {
  const context = createFakeCliContext({
    cwd: folder,
    now: () => Date.now(),
    isInteractive: typed !== undefined,
    stdin: async function* () {
      yield Buffer.from(typed ?? "");
    },
    startMuster: share,
    ...more,
  });
  const exitCode = await runCli(["run", ...argv], context);
  return { exitCode, out: context.stdout.text(), err: context.stderr.text() };
}

interface Scripted {
  typed?: string;
  said?: { workflow: string; cannot: string };
}

/** The same with a model that plans. */
function planned(argv: string[], { said = { workflow: plan, cannot: "" }, ...options }: Scripted = {}) {
  put(
    "models.yaml",
    `models:\n  providers:\n    - name: anthropic\n      kind: anthropic\n      baseURL: ${providers.baseURL("anthropic")}\n`,
  );
  put("a.js", "export const a = 1;\n");
  providers.play([{ text: JSON.stringify(said) }]);
  const env = { ANTHROPIC_API_KEY: "sk-ant-a-key-of-a-test" };
  return run([goal, "--config", "models.yaml", ...argv], { env, ...options });
}

test.each([
  ["review this folder", true],
  ["flow.yaml", false],
  ["my flow.yaml", false],
  ["a folder with spaces/flow.yml", false],
  ["translate", false],
  ["list", false],
  ["there is one", false],
])("%s is a goal: %s", (word, expected) => {
  expect(isGoal(word, (path) => path === "there is one")).toBe(expected);
});

describe("what is no goal", () => {
  test("keeps its errors: a file that is not there, words without quotes, options of a goal", async () => {
    expect(await run(["my flow.yaml"])).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("cannot read my flow.yaml: there is no such file"),
    });
    expect((await run(["review", "this"])).err).toContain("a goal in words is put in quotes");
    put("demo.yaml", demoWorkflow);
    expect((await run(["demo.yaml", "--save", "x"])).err).toContain("--save is for a goal in words");
  });
});

describe("without a model", () => {
  const demo = demoWorkflow.replace(
    "name: demo",
    "name: demo\ndescription: Deploys the shop to the servers.",
  );

  test("the nearest is offered with what it lacks and the line to type, and nothing starts", async () => {
    put("demo.yaml", demo);
    const { exitCode, err, out } = await run(["deploy our shop"]);
    expect([exitCode, out]).toEqual([2, ""]);
    expect(err).toContain("no plan: there is no model to plan with: set ANTHROPIC_API_KEY");
    expect(err).toContain("workflow demo.yaml: Deploys the shop to the servers.");
    expect(err).toContain("missing: path (string)");
    expect(err).toContain("$ muster run demo.yaml --input path=…");
    expect(err).toContain("nothing was started");
    const given = await run(["deploy our shop", "--input", "path=a b", "--json"]);
    expect(given.exitCode).toBe(2);
    expect(JSON.parse(given.out)).toMatchObject({
      status: "no_planner",
      nearest: [{ name: "demo.yaml", missing: [], command: "muster run demo.yaml --input 'path=a b'" }],
    });
  });

  test("capabilities count, and what has nothing to do with it does not", async () => {
    const { err } = await run(["review code"]);
    expect(err).toContain("capability code_review");
    expect(err).toMatch(/muster task submit --capability code_review --input '\{.*…/);
    expect((await run(["zzyzx qwertz"])).err).toContain('has to do with "zzyzx qwertz"');
  });
});

describe("with a model", () => {
  test("the plan is shown and asked about; a yes runs it, and --save keeps it as a file that runs", async () => {
    const { exitCode, out, err } = await planned(["--save", "plan.yaml"], { typed: "y\n" });
    expect(err).toContain("Plan: look\n  1. list: list_files by");
    expect(err).toContain("estimated cost: $0; estimated time: 200 ms");
    expect(err).toContain("May this plan run? [y/N]");
    expect(err).toMatch(/✔ list in/);
    expect([exitCode, out]).toEqual([0, "1\n"]);
    const { workflow, problems } = parseWorkflow(readFileSync(join(folder, "plan.yaml"), "utf8"));
    expect(problems).toEqual([]);
    expect(workflow).toMatchObject({ name: "look", inputs: { properties: { folder: { default: folder } } } });
    const again = await planned(["--save", "plan.yaml"], { typed: "y\n" });
    expect(again).toMatchObject({ exitCode: 2, err: expect.stringContaining("plan.yaml is there already") });
  });

  test("a no runs nothing", async () => {
    const { exitCode, err, out } = await planned([], { typed: "n\n" });
    expect([exitCode, out]).toEqual([2, ""]);
    expect(err).toContain("nothing was run");
    expect(err).not.toContain("▸");
  });

  test("without a terminal it is printed, and nothing runs", async () => {
    const { exitCode, err, out } = await planned(["--json"]);
    expect(exitCode).toBe(2);
    expect(err).toContain("Plan: look");
    expect(JSON.parse(out)).toMatchObject({
      status: "planned",
      plan: {
        workflow: { name: "look" },
        steps: [{ capability: "list_files", costMicros: 0, costBasis: "declared" }],
      },
    });
    expect(existsSync(join(folder, ".muster"))).toBe(false);
  });

  test("--yes shows it and runs it at once", async () => {
    const { exitCode, err, out } = await planned(["--yes"]);
    expect([exitCode, out]).toEqual([0, "1\n"]);
    expect(err).toContain("Plan: look");
    expect(err).not.toContain("[y/N]");
    expect(providers.requests).toHaveLength(1);
  });

  test("a goal that can't be reached says why, once", async () => {
    const said = { workflow: "", cannot: "Nobody here can fly." };
    const { exitCode, err, out } = await planned([], { said, typed: "y\n" });
    expect([exitCode, out]).toEqual([1, ""]);
    expect(err.match(/Nobody here can fly/g)).toHaveLength(1);
    expect(err).toMatch(/✖ look which files are here failed\n {2}The planner found no way.*muster run show/s);
  });
});
