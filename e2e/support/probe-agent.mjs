import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

/**
 * One agent that does a little of everything an agent can do, for every transport alike. Its capabilities are
 * called after it. What it does outside of Muster it writes to a side file, one line each, so that a test can
 * count effects without trusting what Muster says of them.
 *
 * @param {{ name: string, sideFile: string, maxConcurrency?: number }} options
 * @returns {import("@muster/sdk").AgentDefinition}
 */
export function probeAgent({ name, sideFile, maxConcurrency = 8 }) {
  const note = (...words) => appendFileSync(sideFile, `${words.join(" ")}\n`);
  const text = { type: "object", required: ["text"], properties: { text: { type: "string" } } };
  return {
    name,
    maxConcurrency,
    onMessage: ({ from, payload }) => note("message", name, from, JSON.stringify(payload)),
    onQuery: ({ payload }) => ({ name, asked: payload }),
    capabilities: [
      {
        name: `${name}.echo`,
        inputSchema: { ...text, additionalProperties: false },
        outputSchema: text,
        handler: ({ input }) => input,
      },
      { name: `${name}.lie`, outputSchema: text, handler: () => ({ text: 7 }) },
      {
        // More than fits into one payload, as an output or as the result of a step.
        name: `${name}.swell`,
        async handler({ input, step }) {
          const swollen = "x".repeat(5 * 1024 * 1024);
          return input.step ? await step("swell", () => swollen) : swollen;
        },
      },
      {
        name: `${name}.fail`,
        handler() {
          throw Object.assign(new Error("The coffee is out."), { code: "no_coffee", retryable: false });
        },
      },
      {
        name: `${name}.delegate`,
        async handler({ input, delegate, delegateAll }) {
          const first = await delegate(input.to, { text: "one" });
          const others = await delegateAll([
            { capability: input.to, input: { text: "two" } },
            { capability: input.to, input: { text: "three" } },
          ]);
          return { texts: [first, ...others.map(({ output }) => output)].map((output) => output.text) };
        },
      },
      {
        name: `${name}.steps`,
        async handler({ taskId, input, step, signal }) {
          const values = [];
          for (let index = 0; index < input.steps; index++) {
            const value = await step(`step-${index}`, () => {
              note("effect", taskId, index);
              return index * index;
            });
            note("journaled", taskId, index);
            values.push(value);
            await pause(input.pauseMs ?? 0, undefined, { signal });
          }
          return { values, pid: process.pid };
        },
      },
      {
        name: `${name}.wait`,
        async handler({ taskId, signal }) {
          note("waiting", taskId);
          await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
          note("aborted", taskId);
          throw signal.reason;
        },
      },
      {
        name: `${name}.talk`,
        async handler({ input, query, send, broadcast, progress, log }) {
          progress(0.5, "half way");
          log("info", "asking", { peer: input.to });
          const answer = await query(input.to, { question: "who?" }, { timeoutMs: 30_000 });
          await send(input.to, { greeting: input.word });
          await broadcast({ shout: input.word });
          return answer;
        },
      },
      {
        name: `${name}.slow`,
        async handler({ taskId, input, signal }) {
          note("begin", taskId);
          await pause(input.ms, undefined, { signal });
          note("end", taskId);
          return { pid: process.pid };
        },
      },
    ],
  };
}
