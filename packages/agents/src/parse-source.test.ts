import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { parseSource } from "./parse-source.ts";

const parse = (text: string, signal = new AbortController().signal) =>
  parseSource({ file: "a.ts", text }, signal);
/** Process ids of the parsers that a process has started. */
const parsersOf = (parent: number): number[] => {
  const found = spawnSync("ps", ["-o", "pid=,args=", "--ppid", String(parent)], { encoding: "utf8" });
  return found.stdout
    .split("\n")
    .filter((line) => line.includes("parse-source.js"))
    .map((line) => Number.parseInt(line, 10));
};
const crashing = "(".repeat(50_000);

describe("parseSource", () => {
  it("goes on after a source that kills the parser", async () => {
    expect(await parse(crashing)).toBeUndefined();
    expect((await parse("export const a = 1;\u2028// \u{1F600}\n"))?.body).toHaveLength(1);
  });

  it("answers each of many at the same time with its own", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => parse(index % 5 === 4 ? crashing : `import "m${index}";`)),
    );
    expect(answers.map((answer) => answer?.imports[0])).toEqual(
      Array.from({ length: 20 }, (_, index) => (index % 5 === 4 ? undefined : `m${index}`)),
    );
  });

  it("stops when the task is cancelled, and parses the next source", async () => {
    const controller = new AbortController();
    const work = parse(`x = [${"{ a: 1 },".repeat(50_000)}]`, controller.signal);
    controller.abort(new Error("cancelled"));
    await expect(work).rejects.toThrow("cancelled");
    await expect(parse("", controller.signal)).rejects.toThrow("cancelled");
    expect((await parse("export {};"))?.errors).toEqual([]);
  });

  it("blames no source for the death of a process that was used before", async () => {
    await parse("1");
    const before = parsersOf(process.pid);
    expect(before.length).toBeGreaterThan(0);
    for (const pid of before) process.kill(pid, "SIGKILL");
    expect((await parse("export const a = 1;"))?.body).toHaveLength(1);
  });

  it("does not keep a program running", () => {
    const program = `
      import { parseSource } from ${JSON.stringify(new URL("./parse-source.ts", import.meta.url).href)};
      await parseSource({ file: "a.js", text: "1" }, new AbortController().signal);
      console.log(Date.now());`;
    const args = ["--conditions=@muster/source", "--import", "tsx", "--input-type=module", "-e", program];
    const { stdout, status, stderr } = spawnSync(process.execPath, args, {
      encoding: "utf8",
      timeout: 20_000,
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(Date.now() - Number(stdout)).toBeLessThan(10_000);
  });
});
