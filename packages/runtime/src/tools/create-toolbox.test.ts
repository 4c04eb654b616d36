import { MusterError } from "@muster/sdk";
import Type from "typebox";
import { expect, it } from "vitest";
import { defineTool } from "./define-tool.ts";
import { benchOf } from "./test/bench.ts";
import type { AskConsent, Tool } from "./tool.ts";

const workspace = "/workspace";
const echo = defineTool({
  name: "echo",
  description: "Says it again.",
  input: Type.Object({ text: Type.String() }, { additionalProperties: false }),
  isParallel: true,
  run: async ({ text }) => ({ content: text }),
});
const tool = (part: Partial<Tool>): Tool => ({ ...echo, ...part });

it("answers what the tool answers", async () => {
  const { call, toolbox } = benchOf([echo], {}, { workspace });
  expect(await call("echo", { text: "hello" })).toEqual({ content: "hello" });
  expect(toolbox.specs.map(({ name }) => name)).toEqual(["echo"]);
  expect(toolbox.isParallel("echo")).toBe(true);
  expect(toolbox.isParallel("other")).toBe(false);
});

it.each([[{ text: 1 }], [{}], [{ text: "a", more: 1 }], ["text"], [null]])(
  "does not run a tool with arguments like %j",
  async (input) => {
    const { call } = benchOf([tool({ run: () => Promise.reject(new Error("ran")) })], {}, { workspace });
    const outcome = await call("echo", input);
    expect(outcome.isError).toBe(true);
    expect(outcome.content).toContain("schema of echo");
  },
);

it("names the tools that there are to a model that makes one up, and to one whose tool is not allowed", async () => {
  const { call, toolbox } = benchOf([echo, tool({ name: "other" })], { deny: ["other"] }, { workspace });
  expect(toolbox.specs).toHaveLength(1);
  for (const name of ["other", "nothing", "__proto__"]) {
    expect(await call(name, {})).toMatchObject({
      isError: true,
      content: expect.stringContaining("has echo."),
    });
  }
});

it("scrubs what a tool answers and what it throws, and cuts it", async () => {
  const key = ["sk", "abcdefghijklmnopqrstuvwxyz"].join("-");
  const thrower = tool({ name: "throws", run: () => Promise.reject(new Error(`no access with ${key}`)) });
  const { call } = benchOf([echo, thrower], {}, { workspace, maxAnswerChars: 100 });
  expect((await call("echo", { text: `the ${key}` })).content).toBe("the [secret removed]");
  expect(await call("throws", { text: "" })).toEqual({
    isError: true,
    content: "throws failed: no access with [secret removed]",
  });
  const long = (await call("echo", { text: `first ${"x".repeat(10_000)} last` })).content;
  expect(long.length).toBeLessThan(200);
  expect(long).toMatch(/^first .*characters were left out.* last$/s);
});

it("ends a call that takes too long, also one that does not listen", async () => {
  const deaf = tool({ timeoutMs: 20, run: () => new Promise(() => undefined) });
  const { call } = benchOf([deaf], {}, { workspace });
  expect(await call("echo", { text: "" })).toEqual({
    isError: true,
    content: "echo failed: It took longer than 20 ms.",
  });
});

it("rejects with the reason of an abort, also while the tool does not listen", async () => {
  const stop = new AbortController();
  const deaf = tool({
    run: () => {
      stop.abort(new Error("cancelled"));
      return new Promise(() => undefined);
    },
  });
  const { call } = benchOf([deaf], {}, { workspace });
  await expect(call("echo", { text: "" }, stop.signal)).rejects.toThrow("cancelled");
  await expect(call("echo", { text: "" }, stop.signal)).rejects.toThrow("cancelled");
});

it("asks a person where the tool or a rule says so, and does nothing without a yes", async () => {
  const asked: string[] = [];
  let answer: Awaited<ReturnType<AskConsent>> = { granted: false, reason: "not today" };
  const askConsent: AskConsent = async ({ call, reason }) => {
    asked.push(`${call.name}: ${reason}`);
    return answer;
  };
  const risky = tool({ name: "risky", consent: () => "It sends mail." });
  const { call } = benchOf([echo, risky], { ask: ["echo"] }, { workspace, askConsent });
  expect(await call("risky", { text: "a" })).toEqual({
    isError: true,
    content: "A person declined this call of risky: not today",
  });
  answer = { granted: true };
  expect(await call("risky", { text: "a" })).toEqual({ content: "a" });
  expect(await call("echo", { text: "b" })).toEqual({ content: "b" });
  expect(asked).toEqual([
    "risky: It sends mail.",
    "risky: It sends mail.",
    "echo: The rule echo asks for it.",
  ]);
});

it("refuses what needs consent where nobody can be asked", async () => {
  const { call } = benchOf([tool({ consent: () => "It sends mail." })], {}, { workspace });
  expect(await call("echo", { text: "a" })).toMatchObject({
    isError: true,
    content: expect.stringContaining("consent"),
  });
});

it("lets the one who asks let go of the task, before anything was done", async () => {
  class Waiting extends Error {}
  let ran = false;
  const risky = tool({
    consent: () => "It sends mail.",
    run: async () => {
      ran = true;
      return { content: "" };
    },
  });
  const { call } = benchOf([risky], {}, { workspace, askConsent: () => Promise.reject(new Waiting()) });
  await expect(call("echo", { text: "a" })).rejects.toBeInstanceOf(Waiting);
  expect(ran).toBe(false);
});

it("admits a call once, and asks for consent no second time when it is made", async () => {
  let asked = 0;
  const askConsent: AskConsent = async () => {
    asked += 1;
    return { granted: true };
  };
  const { toolbox } = benchOf([tool({ consent: () => "It sends mail." })], {}, { workspace, askConsent });
  const call = { id: "one", name: "echo", input: { text: "a" } };
  const { signal } = new AbortController();
  expect(await toolbox.admit?.(call, signal)).toBeNull();
  expect(await toolbox.call(call, signal)).toEqual({ content: "a" });
  expect(asked).toBe(1);
  expect(await toolbox.admit?.({ ...call, input: {} }, signal)).toMatchObject({ isError: true });
});

it("passes the end of the task on", async () => {
  const ends = tool({ run: () => Promise.reject(new MusterError("budget_reached", "All is spent.")) });
  const { call } = benchOf([ends], {}, { workspace });
  await expect(call("echo", { text: "a" })).rejects.toThrow("All is spent.");
});

it("takes two tools of one name for a mistake", () => {
  expect(() => benchOf([echo, echo], {}, { workspace })).toThrow("same name");
});
