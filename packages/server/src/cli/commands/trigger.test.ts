import type { Client } from "@muster/sdk";
import type { TriggerDetail, TriggerRequest } from "@muster/sdk/protocol";
import { beforeEach, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { createFakeClient } from "../../test/fake-client.ts";
import { runCli } from "../run-cli.ts";

const env = { MUSTER_URL: "http://127.0.0.1:6878", MUSTER_API_KEY: "k" };
const mend: TriggerDetail = {
  ...{ id: "0199aa41-7c1e-7000-8000-00000000000a", name: "mend", tenant: "default", status: "active" },
  on: { types: ["task.failed"], capability: "deploy", where: { "data.code": "x" } },
  ...{ eventAs: "event", maxPerMinute: 60, maxDepth: 4, starts: "task", what: "diagnose", position: 9 },
  ...{
    heldUntil: null,
    lastAt: "2026-01-01T00:00:00.000Z",
    lastEvent: 8,
    lastId: "t-1",
    started: 3,
    skipped: 1,
  },
  createdAt: "2026-01-01T00:00:00.000Z",
};

let made: TriggerRequest[];
beforeEach(() => {
  made = [];
});

async function muster(...argv: string[]) {
  const triggers: Client["triggers"] = {
    async create(request) {
      made.push(request);
      return mend;
    },
    list: async () => ({ items: [mend], next: null }),
    get: async () => mend,
    pause: async () => ({ ...mend, status: "paused" }),
    resume: async () => mend,
    delete: async () => mend,
  };
  const context = createFakeCliContext({ env, createClient: async () => createFakeClient({ triggers }) });
  const exitCode = await runCli(["trigger", ...argv], context);
  return { exitCode, out: context.stdout.text(), err: context.stderr.text() };
}

test("create sends which events count, and the work", async () => {
  const when = ["--on", "task.failed", "--on", "task.dead", "--of", "deploy", "--event-as", "event"];
  const where = [
    "--where",
    "data.path=plans/*",
    "--where",
    "data.version=3",
    "--where",
    "data.ok=true",
    "--where",
    "data.x=a=b",
  ];
  const work = ["--capability", "diagnose", "--input", '{"how":"well"}', "--max-per-minute", "5"];
  const { exitCode, out } = await muster("create", "mend", ...when, ...where, ...work);
  expect(exitCode).toBe(0);
  expect(made).toEqual([
    {
      name: "mend",
      on: {
        types: ["task.failed", "task.dead"],
        capability: "deploy",
        where: { "data.path": { prefix: "plans/" }, "data.version": 3, "data.ok": true, "data.x": "a=b" },
      },
      eventAs: "event",
      maxPerMinute: 5,
      task: { capability: "diagnose", input: { how: "well" } },
    },
  ]);
  expect(out).toMatch(/on\s+task.failed of deploy where data.code is "x"/);
});

test.each([
  [["create", "x", "--capability", "y"], "--on"],
  [["create", "x", "--on", "task.failed"], "--capability"],
  [["create", "x", "--on", "task.failed", "--capability", "y", "--where", "data.path"], "place=value"],
])("%j is used wrongly", async (argv, hint) => {
  const { exitCode, err } = await muster(...argv);
  expect([exitCode, made]).toEqual([2, []]);
  expect(err).toContain(hint);
});

test("list, show, pause, resume and rm say what there is and what they did", async () => {
  expect((await muster("list")).out).toMatch(/mend\s+active\s+task.failed.*task diagnose/);
  expect((await muster("show", "mend")).out).toMatch(/last\s+.*task t-1 for event 8/);
  expect((await muster("pause", "mend")).out).toBe("paused mend\n");
  expect((await muster("resume", "mend")).out).toBe("resumed mend\n");
  expect((await muster("rm", "mend")).out).toBe("deleted mend\n");
});
