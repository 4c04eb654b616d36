// A worker as a process of its own. MUSTER_URL, MUSTER_API_KEY, AGENT_NAME, CONCURRENCY; TRANSPORT is `websocket`,
// `http`, or `amqp`, where MUSTER_URL is that of the broker. All workers have the same capabilities, so that each can take over from another.
import { setTimeout as pause } from "node:timers/promises";
import { createAgent } from "@muster/sdk";
import { createAmqpTransport } from "@muster/sdk/amqp";

const { MUSTER_URL, MUSTER_API_KEY, AGENT_NAME, TRANSPORT, CONCURRENCY } = process.env;

const capabilities = [
  {
    name: "work",
    async handler({ input, attempt, signal }) {
      await pause(input.ms ?? 0, undefined, { signal });
      // The first attempts fail, as many as were asked for.
      if (attempt <= (input.fails ?? 0)) throw new Error("Not yet.");
      return { by: process.pid, echo: input.echo ?? null };
    },
  },
  {
    name: "steps",
    async handler({ input, step, signal }) {
      const values = [];
      for (let index = 0; index < input.steps; index++) {
        values.push(await step(`step ${index}`, () => index * index));
        await pause(input.ms ?? 0, undefined, { signal });
      }
      return { values };
    },
  },
  {
    name: "parent",
    async handler({ input, delegateAll }) {
      const children = Array.from({ length: input.children }, (_, index) => ({
        capability: "work",
        input: { ms: input.ms, echo: index },
      }));
      const results = await delegateAll(children);
      return { echoes: results.map(({ output }) => output?.echo) };
    },
  },
];

const agent = createAgent({ name: AGENT_NAME, maxConcurrency: Number(CONCURRENCY), capabilities });
const address = { url: MUSTER_URL, apiKey: MUSTER_API_KEY };
await agent.start(
  TRANSPORT === "amqp" ? { transport: createAmqpTransport(address) } : { ...address, transport: TRANSPORT },
);
console.log(`Registered as ${agent.id}.`);
process.once("SIGTERM", async () => {
  await agent.stop();
  process.exit(0);
});
