import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runNode } from "./run-node.ts";
import { removeFolders, temporaryFolder } from "./test/temporary-folder.ts";

afterAll(removeFolders);

const run = async (code: string, more: object = {}) => {
  const cwd = await temporaryFolder({ "code.cjs": code });
  const limits = { cwd, signal: new AbortController().signal, timeoutMs: 10_000, maxOutputBytes: 1024 };
  return runNode(join(cwd, "code.cjs"), ["one", "two"], { ...limits, ...more });
};

const forever = "setInterval(() => {}, 1000)";

describe("runNode", () => {
  it("passes arguments and gives an empty environment", async () => {
    const { stdout, code } = await run("console.log(JSON.stringify([process.argv.slice(2), process.env]))");
    expect(JSON.parse(stdout)).toEqual([["one", "two"], {}]);
    expect(code).toBe(0);
  });

  it("says how a process ended", async () => {
    expect(await run("console.error('no'); process.exit(3)")).toMatchObject({ code: 3, stderr: "no\n" });
    expect(await run("process.kill(process.pid, 'SIGABRT')")).toMatchObject({
      code: null,
      signal: "SIGABRT",
    });
  });

  it("kills a process that is too slow or too loud", async () => {
    await expect(run(forever, { timeoutMs: 100 })).rejects.toMatchObject({
      code: "timeout",
      retryable: true,
    });
    const loud = "for (;;) require('node:fs').writeSync(1, 'x'.repeat(4096))";
    await expect(run(loud)).rejects.toMatchObject({ code: "limit_exceeded", retryable: false });
  });

  it("kills a process whose task was cancelled, and starts none for one that was cancelled before", async () => {
    const controller = new AbortController();
    const work = run(forever, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error("cancelled")), 100);
    await expect(work).rejects.toThrow("cancelled");
    await expect(run(forever, { signal: controller.signal })).rejects.toThrow("cancelled");
  });
});
