/**
 * Agents with a model that stream at once, in a process of its own: through the router and the packages of the providers, over
 * HTTP from another process. Orchestrator and store are in this one. Prints one line of JSON.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createModelAgent, createModelRouter, type Model, type ModelSettings } from "@muster/runtime";
import { startMuster } from "muster";
import { lookToolbox } from "./agent-loop.ts";

const { values } = parseArgs({
  options: {
    agents: { type: "string", default: "200" },
    providers: { type: "string", default: "" },
    watched: { type: "boolean", default: false },
  },
});
const count = Number(values.agents);
const settings: ModelSettings = {
  providers: (["anthropic", "openai", "google"] as const).map((kind) => ({
    name: kind,
    kind,
    baseURL: `${values.providers}/${kind}/v1`,
  })),
};
const models = ["anthropic/claude-sonnet-5", "openai/gpt-5", "google/gemini-2.5-pro"];
const environment = { ANTHROPIC_API_KEY: "a", OPENAI_API_KEY: "o", GEMINI_API_KEY: "g" };

/** How many calls are under way, and how many there were at once. */
const use = { now: 0, most: 0, calls: 0, pieces: 0 };

function counted(model: Model): Model {
  return {
    ...model,
    async generate(request, options) {
      use.calls++;
      use.now++;
      use.most = Math.max(use.most, use.now);
      try {
        return await model.generate(request, options);
      } finally {
        use.now--;
      }
    },
  };
}

const dataDir = await mkdtemp(join(tmpdir(), "muster-bench-"));
const muster = await startMuster({ dataDir, listen: false });
const router = await createModelRouter({ settings, environment });
const idleBytes = process.memoryUsage().rss;
const onText = () => {
  use.pieces++;
};
for (let n = 0; n < count; n++) {
  const name = `streaming-${n}`;
  const definition = {
    name,
    model: models[n % models.length] as string,
    system: "You look.",
    capabilities: [{ name }],
  };
  await muster.agent(
    createModelAgent(definition, { model: counted(router), toolbox: lookToolbox(true), onText }),
  );
}
const tasks = Array.from({ length: count }, (_, n) => ({ capability: `streaming-${n}` }));
const submitted = await muster.client.tasks.submit(tasks);
const over: AbortController[] = [];
let read = 0;
/** Somebody reads along with every one of them. */
async function readAlong(id: string): Promise<void> {
  const mine = new AbortController();
  over.push(mine);
  for await (const { text } of muster.client.tasks.watch(id, { signal: mine.signal })) read += text.length;
}
const reading = values.watched ? submitted.map(({ id }) => readAlong(id)) : [];
const ended = await Promise.all(
  submitted.map(({ id }) => muster.client.tasks.wait(id, { timeoutMs: 900_000 })),
);
for (const one of over) one.abort();
await Promise.all(reading);
const failed = ended.find(({ status }) => status !== "completed");
if (failed !== undefined) throw new Error(`A task ${failed.status}: ${failed.error?.message}`);
const mib = (bytes: number): number => bytes / 2 ** 20;
const peakMiB = process.resourceUsage().maxRSS / 1_024;
process.stdout.write(
  `${JSON.stringify({ peakMiB, idleMiB: mib(idleBytes), heapMiB: mib(process.memoryUsage().heapUsed), read, ...use })}\n`,
);
await muster.stop(0);
await router.close();
await rm(dataDir, { recursive: true, force: true });
process.exit(0);
