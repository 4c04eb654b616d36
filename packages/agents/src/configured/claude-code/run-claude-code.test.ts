import { describe, expect, it } from "vitest";
import {
  capability,
  endless,
  failure,
  fakeSdk,
  handlerOf,
  says,
  stream,
  success,
} from "../../test/fake-claude-code.ts";
import { createJournaledTask, takenAway } from "../../test/journaled-task.ts";
import { temporaryFolder } from "../../test/temporary-folder.ts";
import { createConfiguredAgent } from "../create-configured-agent.ts";
import type { ResultMessage } from "./claude-agent-sdk.ts";

describe("Claude Code as an agent", () => {
  it("gets the task, tells its steps, and what it says is the output", async () => {
    const { calls, sdk } = fakeSdk(() => {
      const edit = { type: "tool_use", name: "Edit", input: { file_path: "a.ts" } };
      const inner = says("inner", { parent_tool_use_id: "x" });
      return stream(says("I look."), inner, says("", { message: { content: [edit] } }), success("done"));
    });
    const task = createJournaledTask({ input: { path: "a.ts" } });
    const more = { model: "opus", maxTurns: 4, cwd: "repo", passEnv: ["TOKEN"], instructions: "Be brief." };
    expect(await handlerOf(sdk, more)(task)).toEqual({ text: "done" });
    expect(task.progress).toEqual(["I look.", 'Edit {"file_path":"a.ts"}']);
    const [call] = calls;
    expect(call?.prompt).toContain('"path": "a.ts"');
    expect(call?.prompt).toContain("Changes files.");
    expect(call?.options).toMatchObject({
      cwd: "/srv/shop/repo",
      env: { PATH: "/bin", TOKEN: "shown", ANTHROPIC_API_KEY: "key" },
      model: "opus",
      maxTurns: 4,
      permissionMode: "default",
      systemPrompt: { type: "preset", preset: "claude_code", append: "Be brief." },
      settingSources: [],
      strictMcpConfig: true,
    });
    expect(call?.options.env).not.toHaveProperty("SECRET");
    expect(call?.options).not.toHaveProperty("allowDangerouslySkipPermissions");
    expect(task.spent).toEqual([
      { key: expect.stringContaining("claude-code:"), used: { moneyMicros: 12_300, tokens: 122 } },
    ]);
  });

  it("is asked for the shape that the capability has", async () => {
    const schema = { type: "object", required: ["n"], properties: { n: { type: "integer" } } };
    const shaped = { capabilities: [capability(schema)] };
    const good = fakeSdk(() => stream(success("", { structured_output: { n: 1 } })));
    expect(await handlerOf(good.sdk, shaped)(createJournaledTask())).toEqual({ n: 1 });
    expect(good.calls[0]?.options.outputFormat).toEqual({ type: "json_schema", schema });
    const bad = fakeSdk(() => stream(success("one")));
    await expect(handlerOf(bad.sdk, shaped)(createJournaledTask())).rejects.toMatchObject({
      code: "invalid_output",
    });
  });

  it("reserves what it may spend, and counts what it spent, also where it fails", async () => {
    const { calls, sdk } = fakeSdk(() => stream(failure("error_max_budget_usd", "enough")));
    const task = createJournaledTask();
    await expect(handlerOf(sdk, { maxBudgetUsd: 0.5 })(task)).rejects.toMatchObject({
      code: "max_budget",
      retryable: false,
    });
    expect(calls[0]?.options.maxBudgetUsd).toBe(0.5);
    expect(task.spent).toEqual([{ key: "claude-code", used: { moneyMicros: 12_300, tokens: 122 } }]);
  });

  it.each<[ResultMessage, string | undefined, string, boolean | undefined]>([
    [failure("error_max_turns", "too many"), undefined, "max_turns", false],
    [failure("error_during_execution", "broke"), undefined, "claude_code_failed", undefined],
    [success("slow down", { is_error: true, api_error_status: 429 }), undefined, "rate_limit", true],
    [success("overloaded", { is_error: true }), "overloaded", "overloaded", true],
    [success("no key", { is_error: true }), "authentication_failed", "authentication_failed", false],
  ])(
    "says what it failed of, and whether another attempt can help: %#",
    async (result, error, code, retryable) => {
      const spoken = error === undefined ? [] : [says("API Error", { error })];
      const { sdk } = fakeSdk(() => stream(...spoken, result));
      await expect(handlerOf(sdk)(createJournaledTask())).rejects.toMatchObject({ code, retryable });
    },
  );

  it("goes on in its session after a crash, and in another one after it failed", async () => {
    const { calls, sdk } = fakeSdk((call) => {
      if (calls.length === 1) return endless(call);
      return stream(calls.length === 2 ? failure("error_during_execution", "broke") : success("third"));
    });
    const task = createJournaledTask();
    const work = handlerOf(sdk);
    const crash = new AbortController();
    const first = work(task, crash.signal);
    await expect.poll(() => task.progress.length, { timeout: 10_000 }).toBe(1);
    crash.abort(takenAway("its lease ended"));
    await expect(first).rejects.toThrow("its lease ended");
    await expect(work(task)).rejects.toMatchObject({ code: "claude_code_failed" });
    expect(await work(task)).toEqual({ text: "third" });
    const [one, two, three] = calls.map(({ options }) => options);
    expect(one?.abortController.signal.aborted).toBe(true);
    expect([one?.resume, two?.resume, two?.sessionId]).toEqual([undefined, one?.sessionId, undefined]);
    expect(calls[1]?.prompt).toContain("You were interrupted");
    expect(three?.sessionId).not.toBe(one?.sessionId);
  });

  it("begins anew where the session is not on this machine", async () => {
    const { calls, sdk } = fakeSdk(({ options }) =>
      stream(
        options.resume === undefined
          ? success("anew")
          : failure("error_during_execution", `No conversation found with session ID: ${options.resume}`),
      ),
    );
    const task = createJournaledTask();
    task.journal.set("claude-code:session:1", "00000000-0000-4000-8000-000000000001");
    expect(await handlerOf(sdk, { maxBudgetUsd: 1 })(task)).toEqual({ text: "anew" });
    expect(calls.length).toBe(2);
    expect(task.spent.map(({ used }) => used)).toEqual([{}, { moneyMicros: 12_300, tokens: 122 }]);
  });

  it("is stopped when it takes too long, and tells why it did not start", async () => {
    const slow = fakeSdk(endless);
    await expect(handlerOf(slow.sdk, { timeoutMs: 100 })(createJournaledTask())).rejects.toMatchObject({
      code: "timeout",
    });
    expect(slow.calls[0]?.options.abortController.signal.aborted).toBe(true);
    const broken = fakeSdk(async function* ({ options }) {
      options.stderr("no such binary\n");
      yield { type: "system" };
      throw new Error("Claude Code process exited with code 1");
    });
    await expect(handlerOf(broken.sdk)(createJournaledTask())).rejects.toMatchObject({
      code: "claude_code_failed",
      message: "Claude Code process exited with code 1: no such binary",
    });
    const silent = fakeSdk(() => stream());
    await expect(handlerOf(silent.sdk)(createJournaledTask())).rejects.toThrow("without a result");
    const loud = fakeSdk(() => stream(success("x".repeat(2_000))));
    await expect(handlerOf(loud.sdk, { maxOutputBytes: 1_000 })(createJournaledTask())).rejects.toMatchObject(
      {
        code: "output_too_large",
      },
    );
  });

  it("names the command that installs the package where it is missing", async () => {
    const folder = await temporaryFolder();
    const definition = createConfiguredAgent(
      { kind: "claude-code", name: "coder", capabilities: ["change"] },
      { folder, env: {} },
    );
    const work = definition.capabilities[0]?.handler(createJournaledTask().attempt()) as Promise<unknown>;
    await expect(work).rejects.toMatchObject({
      code: "not_installed",
      retryable: false,
      message: expect.stringContaining(`run "npm install @anthropic-ai/claude-agent-sdk" in ${folder}`),
    });
  });
});
