import { describe, expect, it } from "vitest";
import { fakeSdk, handlerOf, success } from "../../test/fake-claude-code.ts";
import { createJournaledTask } from "../../test/journaled-task.ts";
import type { ClaudeCodeAgent } from "../configured-agent.ts";

describe("what Claude Code may do", () => {
  /** Asks for one tool, and what it was answered is the output. */
  async function ask(
    tool: string,
    input: Record<string, unknown>,
    answers: unknown[],
    more: Partial<ClaudeCodeAgent> = {},
  ) {
    const { sdk } = fakeSdk(async function* ({ options }) {
      const { signal } = options.abortController;
      const answer = await options.canUseTool(tool, input, {
        signal,
        toolUseID: "toolu_1",
        title: "Claude wants it",
      });
      yield success(JSON.stringify(answer));
    });
    const task = createJournaledTask({ answers });
    const { text } = (await handlerOf(sdk, more)(task)) as { text: string };
    return { answer: JSON.parse(text) as unknown, task };
  }
  const command = { command: "rm -r build" };

  it("is decided by people: a yes is for that call, and a no has their reason", async () => {
    const yes = await ask("Bash", command, [{ approved: true }]);
    expect(yes.answer).toEqual({ behavior: "allow", updatedInput: command });
    expect(yes.task.asked).toEqual([
      {
        question: 'coder wants to use Bash: {"command":"rm -r build"}\nClaude wants it',
        key: "claude-code:allow:toolu_1",
      },
    ]);
    const no = await ask("Bash", command, [{ approved: false, reason: "keep it" }]);
    expect(no.answer).toEqual({ behavior: "deny", message: "keep it" });
  });

  it("is nothing where nobody answers, nobody may be asked, or nobody could read it", async () => {
    const deny = { behavior: "deny" };
    expect((await ask("Bash", command, [])).answer).toMatchObject(deny);
    const refused = await ask("Bash", command, [{ approved: true }], { permissions: "refuse" });
    expect([refused.answer, refused.task.asked]).toMatchObject([deny, []]);
    const large = await ask("Write", { content: "x".repeat(70_000) }, [{ approved: true }]);
    expect([large.answer, large.task.asked]).toMatchObject([deny, []]);
  });

  it("is not lost while people think: the time stands still", async () => {
    const { sdk } = fakeSdk(async function* ({ options }) {
      const { signal } = options.abortController;
      await options.canUseTool("Bash", command, { signal, toolUseID: "t" });
      yield success("done");
    });
    const slow = new Promise((resolve) => setTimeout(() => resolve({ approved: true }), 400));
    const task = createJournaledTask({ answers: [slow] });
    expect(await handlerOf(sdk, { timeoutMs: 300 })(task)).toEqual({ text: "done" });
  });

  it("asks people what Claude Code asks them", async () => {
    const input = {
      questions: [
        {
          question: "Which?",
          header: "W",
          options: [{ label: "A", description: "first" }],
          multiSelect: false,
        },
      ],
    };
    const { answer, task } = await ask("AskUserQuestion", input, ["A"]);
    expect(answer).toEqual({ behavior: "allow", updatedInput: { ...input, answers: { "Which?": "A" } } });
    expect(task.asked[0]?.question).toBe("coder asks: Which?\n- A: first");
  });
});
