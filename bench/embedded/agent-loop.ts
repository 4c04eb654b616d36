import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  createModelAgent,
  type Model,
  type ModelAgentDefinition,
  type ModelTurn,
  type Toolbox,
} from "@muster/runtime";
import type { Muster } from "muster";
import { quantile } from "./measure.ts";

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
export const lookToolbox = (isParallel: boolean): Toolbox => ({
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
    toolbox: lookToolbox(isParallel),
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

/** What came of agents that streamed at once, in a process of their own. */
interface Streamed {
  /** The most that the process ever had, in MiB. */
  peakMiB: number;
  /** Calls of models that were under way at once. */
  most: number;
  pieces: number;
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const run = promisify(execFile);

/**
 * Most memory of a process in which that many agents stream at once through the router, orchestrator and store included; the
 * providers are another one. Throws where they did not all stream at once.
 */
export const memoryOfAgents = async (count: number, isWatched: boolean): Promise<number> => {
  const providers = spawn(process.execPath, [...process.execArgv, here("serve-providers.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [url] = (await once(providers.stdout.setEncoding("utf8"), "data")) as [string];
    const argv = [
      ...process.execArgv,
      here("measure-streams.ts"),
      "--agents",
      `${count}`,
      "--providers",
      url.trim(),
    ];
    const { stdout } = await run(process.execPath, isWatched ? [...argv, "--watched"] : argv);
    process.stderr.write(stdout);
    const { peakMiB, most, pieces } = JSON.parse(stdout) as Streamed;
    if (most !== count) throw new Error(`Only ${most} of ${count} agents streamed at once.`);
    if (pieces < count * 100) throw new Error(`${pieces} pieces were streamed.`);
    return peakMiB;
  } finally {
    providers.kill();
  }
};
