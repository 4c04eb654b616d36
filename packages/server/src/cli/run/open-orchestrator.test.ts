import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MusterError } from "@muster/sdk/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { createFakeClient, fakeRun } from "../../test/fake-client.ts";
import { completingClient, demoWorkflow, embedded } from "../../test/fake-run.ts";
import { runCli } from "../run-cli.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-cli-"));
  writeFileSync(join(folder, "demo.yaml"), demoWorkflow);
});
afterEach(() => rmSync(folder, { recursive: true }));

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
