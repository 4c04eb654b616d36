import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MusterError } from "@muster/sdk/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { createFakeClient, fakeFollow, fakeRun, fakeRunDetail } from "../../test/fake-client.ts";
import { completingClient, demoWorkflow, embedded, runEvent } from "../../test/fake-run.ts";
import { runCli } from "../run-cli.ts";

/** A busy machine takes its time. */
const patient = { timeout: 10_000 };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-cli-"));
  writeFileSync(join(folder, "demo.yaml"), demoWorkflow);
});
afterEach(() => rmSync(folder, { recursive: true }));

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
    await expect.poll(() => context.stderr.text(), patient).toContain("started");
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
    await expect.poll(() => context.stderr.text(), patient).toContain("started");
    context.signal("SIGINT");
    await expect.poll(() => context.stderr.text(), patient).toContain("cancelling");
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
    await expect.poll(() => polls, patient).toBe(3);
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
      [runEvent("task.submitted", "a", { step: "list" }), runEvent("task.submitted", "b", { step: "list" })],
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
    await expect.poll(() => looks, patient).toBeGreaterThan(2);
    return fakeRunDetail();
  };
  const context = createFakeCliContext({ cwd: folder, startMuster: embedded(client).startMuster });
  expect(await runCli(["run", "demo.yaml", "--input", "path=x"], context)).toBe(0);
  expect(context.stderr.text().match(/waiting: .*/g)).toEqual(["waiting: Nobody offers list_it."]);
});
