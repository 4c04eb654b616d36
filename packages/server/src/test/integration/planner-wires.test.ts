import type { GoalOutput } from "@muster/runtime";
import { describe, expect, test } from "vitest";
import { answer, burnt, goalOf, type PlannerProvider, promptOf, usePlanner } from "../use-planner.ts";

const rest = `
name: rest
steps:
  cook:
    capability: boil
    needs: chop
    with: { pieces: "\${{ steps.chop.output.pieces }}" }
output: "\${{ steps.cook.output }}"
`;
const wires: [name: string, provider: PlannerProvider, schema: (body: Record<string, unknown>) => unknown][] =
  [
    [
      "OpenAI's responses",
      { kind: "openai" },
      ({ text }) => (text as { format?: { schema?: unknown } } | undefined)?.format?.schema,
    ],
    [
      "chat completions",
      { kind: "openai-chat" },
      ({ response_format: format }) =>
        (format as { json_schema?: { schema?: unknown } } | undefined)?.json_schema?.schema,
    ],
    [
      "Gemini",
      { kind: "google" },
      ({ generationConfig }) =>
        (generationConfig as { responseSchema?: unknown } | undefined)?.responseSchema,
    ],
    [
      "a compatible server that knows schemas",
      { kind: "compatible", models: [{ id: "llama" }], structuredOutput: true },
      ({ response_format: format }) =>
        (format as { json_schema?: { schema?: unknown } } | undefined)?.json_schema?.schema,
    ],
    [
      "one that does not",
      { kind: "compatible", models: [{ id: "llama" }] },
      () => ({ properties: { workflow: {} } }),
    ],
  ];

describe.each(wires)("a planner whose model speaks %s", (_name, provider, schemaIn) => {
  const at = usePlanner(provider);

  test("plans, mends its mistakes, and plans anew what failed", async () => {
    at.providers.play(({ turn, messages }) => {
      if (messages[0]?.text.includes("a step of it failed for good")) return answer(rest);
      if (turn === 0) return { text: "I would chop first." };
      return { ...(answer(burnt) as object), pieces: 40, usage: { inputTokens: 2_000, outputTokens: 300 } };
    });
    const [task] = await at.muster.finish({ ...goalOf(), budget: { tasks: 20 } });
    expect(task?.error).toBeNull();
    expect(task).toMatchObject({ status: "completed", output: { output: "soup", plan: { number: 1 } } });
    expect(at.done).toEqual([{ what: "leek" }, { pieces: "pieces of leek" }]);
    const { plan } = task!.output as GoalOutput;
    expect(plan.steps.map(({ name, isFinished }) => [name, isFinished])).toEqual([
      ["chop", true],
      ["cook", false],
    ]);
    expect(at.providers.requests.map(({ turn }) => turn)).toEqual([0, 1, 0]);
    expect(promptOf(at.providers.requests[1])).toContain("The answer is not JSON");
    expect(promptOf(at.providers.requests[2])).toContain("fire: it is on fire");
    expect(at.providers.unexpected).toEqual([]);
    for (const { body, tools } of at.providers.requests) {
      expect(schemaIn(body)).toMatchObject({ properties: { workflow: {} } });
      expect(tools).toEqual([]);
    }
  });
});
