#!/usr/bin/env node
// An agent of Muster with the SDK: it offers `headline`, which turns a text into a headline and, where somebody
// offers `word_count` (shell-agent.sh does), says how long the text is.
// MUSTER_URL=http://localhost:6878 MUSTER_API_KEY=… node examples/agents/node-agent.mjs
import { createAgent } from "@muster/sdk";

const agent = createAgent({
  name: "node-agent",
  maxConcurrency: 4,
  capabilities: [
    {
      name: "headline",
      description: "The first sentence of a text as a headline.",
      inputSchema: {
        type: "object",
        required: ["text"],
        properties: { text: { type: "string", minLength: 1 }, count: { type: "boolean", default: false } },
      },
      outputSchema: { type: "object", required: ["headline"], properties: { headline: { type: "string" } } },
      async handler({ input, step, delegate, log, progress }) {
        // A step is done once: if this process dies behind it, the next attempt gets its result.
        const headline = await step("headline", () => input.text.split(/[.!?]/)[0].trim().toUpperCase());
        progress(0.5, "The headline is written.");
        if (!input.count) return { headline };
        // While another agent counts, this task holds no slot.
        const { words } = await delegate("word_count", { text: input.text });
        log("info", `The text has ${words} words.`, { words });
        return { headline: `${headline} (${words} words)` };
      },
    },
  ],
});

await agent.start({
  url: process.env.MUSTER_URL ?? "http://localhost:6878",
  apiKey: process.env.MUSTER_API_KEY ?? "",
});
console.log(`Registered as ${agent.id}.`);

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => agent.stop());
