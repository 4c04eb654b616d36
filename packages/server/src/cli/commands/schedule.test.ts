import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "@muster/sdk";
import type { Schedule, ScheduleDetail, ScheduleRequest } from "@muster/sdk/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { createFakeClient } from "../../test/fake-client.ts";
import { runCli } from "../run-cli.ts";

const env = { MUSTER_URL: "http://127.0.0.1:6878", MUSTER_API_KEY: "k" };
const nightly: Schedule = {
  ...{ id: "0199aa41-7c1e-7000-8000-00000000000a", name: "nightly", tenant: "default", status: "active" },
  ...{ cron: "30 2 * * *", at: null, timezone: "Europe/Berlin", missed: "run-once", overlap: "skip" },
  ...{ starts: "run", what: "flow", nextAt: "2030-01-01T01:30:00.000Z", lastAt: null, lastId: null },
  ...{ queued: 0, started: 3, skipped: 1, createdAt: "2026-01-01T00:00:00.000Z" },
};
const detail: ScheduleDetail = {
  ...nightly,
  upcoming: ["2030-01-01T01:30:00.000Z", "2030-01-02T01:30:00.000Z"],
};

let cwd: string;
let made: { request: ScheduleRequest; dryRun: boolean | undefined }[];
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "muster-schedule-"));
  made = [];
});
afterEach(() => rmSync(cwd, { recursive: true }));

async function muster(...argv: string[]) {
  const schedules: Client["schedules"] = {
    async create(request, { dryRun } = {}) {
      made.push({ request, dryRun });
      return detail;
    },
    list: async () => ({ items: [nightly], next: null }),
    get: async () => detail,
    pause: async () => ({ ...nightly, status: "paused", nextAt: null }),
    resume: async () => nightly,
    run: async () => ({ schedule: nightly.id, starts: "run", id: "r-1" }),
    delete: async () => nightly,
  };
  const context = createFakeCliContext({
    env,
    cwd,
    createClient: async () => createFakeClient({ schedules }),
  });
  const exitCode = await runCli(["schedule", ...argv], context);
  return { exitCode, out: context.stdout.text(), err: context.stderr.text() };
}

describe("schedule create", () => {
  test("sends a task with its input, and shows the next times", async () => {
    const when = ["--cron", "*/5 * * * *", "--timezone", "Europe/Berlin", "--overlap", "queue"];
    const { exitCode, out } = await muster(
      "create",
      "ping",
      ...when,
      "--capability",
      "ping",
      "--input",
      '{"a":1}',
    );
    expect(exitCode).toBe(0);
    expect(made).toEqual([
      {
        request: {
          name: "ping",
          cron: "*/5 * * * *",
          timezone: "Europe/Berlin",
          overlap: "queue",
          task: { capability: "ping", input: { a: 1 } },
        },
        dryRun: false,
      },
    ]);
    expect(out).toMatch(/next +2030-01-01T01:30:00.000Z\n +2030-01-02T01:30:00.000Z/);
  });

  test("sends the document of a workflow, with paths as the server needs them", async () => {
    const inputs = "inputs:\n  path: { type: string, format: path }\n";
    writeFileSync(join(cwd, "flow.yaml"), `name: flow\n${inputs}steps:\n  one: { capability: ping }\n`);
    const argv = ["--at", "2030-01-01T09:00:00+01:00", "--workflow", "flow.yaml", "--input", "path=src"];
    expect((await muster("create", "once", ...argv, "--dry-run")).err).toBe("nothing was made\n");
    expect(made).toMatchObject([
      {
        request: {
          at: "2030-01-01T08:00:00.000Z",
          run: { workflow: { name: "flow" }, inputs: { path: join(cwd, "src") } },
        },
        dryRun: true,
      },
    ]);
  });

  test.each([
    [["x", "--capability", "c"], "--cron or --at"],
    [["x", "--cron", "@daily"], "--workflow, --capability or --agent"],
    [["x", "--cron", "@daily", "--at", "2030-01-01"], "cannot be used with"],
    [["x", "--at", "soon", "--capability", "c"], "--at wants a time"],
    [["x", "--cron", "@daily", "--workflow", "none.yaml"], "there is no such file"],
    [["x", "--cron", "@daily", "--capability", "c", "--input", "{"], "is not JSON"],
    [["x", "--cron", "@daily", "--capability", "c", "--input", "1", "--input", "2"], "a task has one input"],
  ])("%j is a misuse", async (argv, reason) => {
    const { exitCode, err } = await muster("create", ...argv);
    expect(exitCode).toBe(2);
    expect(err).toContain(reason);
    expect(made).toEqual([]);
  });
});

test("schedules are listed, shown and changed", async () => {
  expect((await muster("list")).out).toMatch(/nightly +active +30 2 \* \* \* Europe\/Berlin +run flow/);
  expect((await muster("show", "nightly")).out).toMatch(/skipped +1/);
  expect((await muster("pause", "nightly")).out).toBe("paused nightly\n");
  expect((await muster("resume", "nightly")).out).toBe("resumed nightly; next at 2030-01-01T01:30:00.000Z\n");
  expect(await muster("run", "nightly")).toMatchObject({
    out: "r-1\n",
    err: "started; see `muster run show r-1`\n",
  });
  expect((await muster("rm", "nightly")).out).toBe("deleted nightly\n");
  expect(JSON.parse((await muster("show", "nightly", "--json")).out)).toEqual(detail);
});
