#!/usr/bin/env node
// Muster inside your own program: agents are plain functions, everything stays in this process and in memory.
// node examples/library.mjs
import { startMuster } from "muster";

const shopper = {
  name: "shopper",
  maxConcurrency: 4,
  capabilities: [
    {
      name: "price",
      description: "What one thing costs.",
      inputSchema: { type: "object", required: ["thing"], properties: { thing: { type: "string" } } },
      outputSchema: { type: "object", required: ["cents"], properties: { cents: { type: "integer" } } },
      handler: ({ input }) => ({ cents: input.thing.length * 25 }),
    },
  ],
};

const host = {
  name: "host",
  capabilities: [
    {
      name: "plan_party",
      description: "What a party costs.",
      // It does not know who does the shopping: Muster finds somebody who offers `price`.
      async handler({ input, step, delegateAll, log }) {
        const things = await step("list", () => ["bread", "cheese", `${input.guests} chairs`]);
        const prices = await delegateAll(things.map((thing) => ({ capability: "price", input: { thing } })));
        const cents = prices.reduce((sum, { output }) => sum + output.cents, 0);
        log("info", `A party for ${input.guests} costs ${cents} cents.`);
        return { things, cents };
      },
    },
  ],
};

const muster = await startMuster({ dataDir: null, listen: false, agents: [shopper, host] });
try {
  const { id } = await muster.client.tasks.submit({ capability: "plan_party", input: { guests: 12 } });
  const { status, output, agent } = await muster.client.tasks.wait(id);
  console.log(`${agent}: ${status}, ${output.things.join(", ")} for ${(output.cents / 100).toFixed(2)}`);

  const { items } = await muster.client.tasks.list({ parentId: id });
  for (const task of items.reverse()) console.log(`  ${task.agent} found ${task.input.thing}`);

  // A workflow, as a file would say it.
  const run = await muster.client.runs.start({
    workflow: {
      name: "two-prices",
      steps: {
        prices: {
          capability: "price",
          "for-each": "${{ ['tea', 'coffee'] }}",
          with: { thing: "${{ item }}" },
        },
      },
      output: { cents: "${{ steps.prices.output.map(price, price.cents) }}" },
    },
  });
  const finished = await muster.client.runs.wait(run.id);
  console.log(`${finished.workflow}: ${finished.status}, ${JSON.stringify(finished.output)}`);
} finally {
  await muster.stop();
}
