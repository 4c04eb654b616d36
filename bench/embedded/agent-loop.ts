import {
  createModelAgent,
  type Model,
  type ModelAgentDefinition,
  type ModelTurn,
  type Toolbox,
} from "@muster/runtime";
import type { Muster } from "muster";
import { quantile, sleep } from "./measure.ts";

const usage = { inputTokens: 1_000, outputTokens: 50, cachedInputTokens: 0, cacheWriteTokens: 0 };
const answered = { usage, provider: "bench", model: "bench-1", costMicros: 100 };

/** Answers at once: every turn calls one tool, the last one none. */
const instant = (turns: number): Model => ({
  async generate({ messages }): Promise<ModelTurn> {
    const turn = messages.filter(({ role }) => role === "assistant").length + 1;
    if (turn === turns) return { ...answered, text: "done", toolCalls: [], finish: "stop" };
    const toolCalls = [{ id: `call_${turn}`, name: "look", input: { turn } }];
    return { ...answered, text: "", toolCalls, finish: "tool-calls" };
  },
});

/** One tool that answers with its input. */
const toolbox = (isParallel: boolean): Toolbox => ({
  specs: [{ name: "look", description: "Looks.", inputSchema: { type: "object" } }],
  isParallel: () => isParallel,
  call: async ({ input }) => ({ content: JSON.stringify(input) }),
});

const definitionOf = (name: string, turns: number): ModelAgentDefinition => ({
  name,
  model: "bench",
  system: "You look.",
  capabilities: [{ name }],
  limits: { turns },
});

/** Milliseconds per turn, each with one call of a tool, one task at a time: everything that is not model and tool. */
export const overheadOfTurn = async (
  muster: Muster,
  isParallel: boolean,
  rounds: number,
): Promise<number> => {
  const turns = 50;
  const name = isParallel ? "loop-parallel" : "loop-once";
  const agent = createModelAgent(definitionOf(name, turns), {
    model: instant(turns),
    toolbox: toolbox(isParallel),
  });
  await muster.agent(agent);
  const perTurn: number[] = [];
  for (let round = 0; round < rounds + 1; round++) {
    const started = performance.now();
    const { id } = (await muster.client.tasks.submit({ capability: name })) as { id: string };
    const { status, error } = await muster.client.tasks.wait(id);
    if (status !== "completed") throw new Error(`The task ${status}: ${error?.message}`);
    if (round > 0) perTurn.push((performance.now() - started) / turns);
  }
  return quantile(perTurn, 0.5);
};

const piece = "The quick brown fox jumps over the lazy dog. ";

/** Streams an answer of 100 pieces over a second, and calls a tool after each but the last. */
const streaming = (turns: number): Model => ({
  async generate(request, options = {}): Promise<ModelTurn> {
    let text = "";
    for (let part = 0; part < 100; part++) {
      await sleep(10);
      options.onText?.(piece);
      text += piece;
    }
    return { ...(await instant(turns).generate(request)), text };
  },
});

/** Most memory of the process, in MiB, while that many agents stream at once, orchestrator and store included. */
export const memoryOfAgents = async (muster: Muster, count: number): Promise<number> => {
  const turns = 10;
  let pieces = 0;
  for (let n = 0; n < count; n++) {
    const definition = definitionOf(`streaming-${n}`, turns);
    const onText = () => {
      pieces++;
    };
    const options = { model: streaming(turns), toolbox: toolbox(true), onText };
    await muster.agent(createModelAgent(definition, options));
  }
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 50);
  const tasks = Array.from({ length: count }, (_, n) => ({ capability: `streaming-${n}` }));
  const submitted = await muster.client.tasks.submit(tasks);
  await Promise.all(submitted.map(({ id }) => muster.client.tasks.wait(id, { timeoutMs: 600_000 })));
  clearInterval(watch);
  if (pieces !== count * turns * 100) throw new Error(`${pieces} pieces were streamed.`);
  return peak / 2 ** 20;
};
