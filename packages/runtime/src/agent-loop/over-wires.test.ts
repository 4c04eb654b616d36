import { expect, it } from "vitest";
import { fakeTask } from "../test/fake-task.ts";
import { fakeToolbox } from "../test/fake-toolbox.ts";
import { useModels } from "../test/route-models.ts";
import { createJudge } from "./check-answer.ts";
import { loopLimitsOf } from "./loop-limits.ts";
import { runAgentLoop } from "./run-agent-loop.ts";

const world = await useModels();

const look = { nature: "parallel" as const, run: ({ n }: { n: number }) => `page ${n}` };

const start = async (provider: ReturnType<typeof world.provider>, model: string) => {
  const router = await world.route({ providers: [provider] });
  const toolbox = fakeToolbox({ look });
  const settings = {
    model: router,
    modelName: model,
    system: "You read.",
    task: "Read both pages.",
    toolbox,
    judge: createJudge(undefined, "output"),
    limits: loopLimitsOf(),
    maxOutputTokens: 500,
    contextTokens: 100_000,
    name: "loop",
    now: () => 0,
  };
  return { settings, toolbox };
};

it.each([
  ["anthropic", world.anthropic, "sonnet"],
  ["openai", world.openai, "openai/gpt-5"],
  ["google", world.google, "google/gemini-2.5-pro"],
  ["compatible", world.local, "local/llama"],
])("goes on in another process with a conversation that %s began", async (_name, provider, model) => {
  const lookAt = (n: number) => ({ name: "look", input: { n } });
  world.server.play([
    {
      when: { provider: provider.name },
      turns: [
        { reasoning: "Both at once.", toolCalls: [lookAt(1), lookAt(2)] },
        { toolCalls: [lookAt(3)] },
        { text: "Read." },
      ],
    },
  ]);
  const task = fakeTask();
  for (const moment of ["after loop:1", "after loop:2.0"]) {
    const { settings } = await start(provider, model);
    const outcome = await task.attempt(
      (context) => runAgentLoop(context, settings),
      (what) => what === moment,
    );
    expect(outcome).toEqual({ killed: moment });
  }
  const { settings, toolbox } = await start(provider, model);
  const outcome = await task.attempt((context) => runAgentLoop(context, settings));
  expect(outcome).toEqual({ ended: "Read." });
  expect(toolbox.calls).toHaveLength(0);
  // Three turns, each asked for once, and the last one with everything before it.
  expect(world.server.unexpected).toEqual([]);
  expect(world.server.requests.map(({ turn }) => turn)).toEqual([0, 1, 2]);
  const results = world.server.requests[2]!.messages.flatMap((message) =>
    message.results.map(({ content }) => content),
  );
  expect(results).toEqual(["page 1", "page 2", "page 3"]);
  expect(task.ledger.size).toBe(3);
});
