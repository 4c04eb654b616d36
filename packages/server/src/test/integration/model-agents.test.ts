import {
  createModelAgent,
  createTeamTools,
  type Model,
  type ModelMessage,
  type ModelRequest,
  type ModelTurn,
  type Toolbox,
} from "@muster/runtime";
import { type AgentDefinition, createAgent } from "@muster/sdk";
import { expect, onTestFinished, test } from "vitest";
import { createInProcessTransport } from "../../core/gateway/in-process-transport.ts";
import { root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator();

type Said = Partial<ModelTurn> & { calls?: [name: string, input: unknown][] };

const turnOf = ({ calls = [], ...said }: Said): ModelTurn => ({
  text: "",
  toolCalls: calls.map(([name, input], index) => ({ id: `call_${index}`, name, input })),
  finish: calls.length > 0 ? "tool-calls" : "stop",
  usage: { inputTokens: 8, outputTokens: 2, cachedInputTokens: 0, cacheWriteTokens: 0 },
  provider: "scripted",
  model: "script-1",
  costMicros: 100,
  ...said,
});

/** A model that answers by what the conversation holds, and whose price is known. */
const modelOf = (script: (results: string[], request: ModelRequest) => Said | Promise<Said>) => {
  const requests: ModelRequest[] = [];
  const model: Model = {
    async generate(request) {
      requests.push(request);
      return turnOf(await script(resultsIn(request.messages), request));
    },
    estimate: () => ({ mostCostMicros: 100, contextTokens: 100_000 }),
  };
  return { model, requests };
};

const resultsIn = (messages: readonly ModelMessage[]): string[] =>
  messages.flatMap((message) =>
    message.role === "tool" ? message.results.map(({ content }) => content) : [],
  );

const noTools: Toolbox = {
  specs: [],
  isParallel: () => false,
  call: async () => ({ content: "none", isError: true }),
};

const connect = async (definition: AgentDefinition, tenant: string): Promise<void> => {
  const agent = createAgent(definition);
  const principal = { ...root, tenant };
  await agent.start({ transport: createInProcessTransport(at.muster.orchestrator, principal) });
  onTestFinished(() => agent.stop(0));
};

const describedAs = (name: string, capability: string, description: string): AgentDefinition => ({
  name,
  capabilities: [{ name: capability, description, handler: ({ input }) => ({ by: name, input }) }],
});

test("an agent finds others by words, hands them work side by side, and joins what they found", async () => {
  await at.muster.agent(describedAs("linguist", "translate", "Translates texts into French"));
  await at.muster.agent({
    ...describedAs("critic", "review", "Reviews texts for mistakes"),
    maxConcurrency: 4,
  });
  const { model, requests } = modelOf((results) => {
    if (results.length === 0)
      return { calls: [["find_agents", { query: "somebody who reviews a text", limit: 1 }]] };
    const [found, joined] = results.map((result) => JSON.parse(result));
    if (joined !== undefined)
      return { text: JSON.stringify(joined.map(({ output }: { output: unknown }) => output)) };
    const { name: capability } = found[0].capabilities[0];
    return { calls: [["delegate", { tasks: ["a", "b"].map((input) => ({ capability, input })) }]] };
  });
  const lead = {
    name: "lead",
    model: "smart",
    system: "",
    capabilities: [{ name: "lead", outputSchema: { type: "array" } }],
  };
  await at.muster.agent(createModelAgent(lead, { model, toolbox: (context) => createTeamTools(context) }));
  const [task] = await at.muster.finish({ capability: "lead" });
  expect(task).toMatchObject({
    status: "completed",
    output: [
      { by: "critic", input: "a" },
      { by: "critic", input: "b" },
    ],
  });
  expect(requests).toHaveLength(3);
  expect(requests[0]!.tools.map(({ name }) => name)).toContain("delegate");
});

test("an agent that waits for others has its slot free for another task", async () => {
  let isOpen = false;
  await at.muster.agent({
    name: "slow",
    maxConcurrency: 4,
    capabilities: [{ name: "slow", handler: () => expect.poll(() => isOpen).toBe(true) }],
  });
  const { model, requests } = modelOf((results, { messages }) => {
    // The second task comes to its turn only while the first one waits.
    if (JSON.stringify(messages[0]).includes("second")) {
      isOpen = true;
      return { text: "second" };
    }
    return results.length === 0
      ? { calls: [["delegate", { tasks: [{ capability: "slow" }] }]] }
      : { text: "first" };
  });
  const lead = {
    name: "lead",
    model: "smart",
    system: "",
    capabilities: [{ name: "lead" }],
    maxConcurrency: 1,
  };
  await at.muster.agent(createModelAgent(lead, { model, toolbox: (context) => createTeamTools(context) }));
  const ended = await at.muster.finish(
    { capability: "lead", input: "first", priority: "high" },
    { capability: "lead", input: "second" },
  );
  expect(ended.map(({ output }) => output)).toEqual(["first", "second"]);
  expect(requests).toHaveLength(3);
});

test("a budget stops the loop before a call that it has no room for, and goes on from there when it is raised", async () => {
  const made: string[] = [];
  const toolbox: Toolbox = {
    specs: [{ name: "append", description: "", inputSchema: {} }],
    isParallel: () => false,
    async call({ id }) {
      made.push(id);
      return { content: "appended" };
    },
  };
  const { model, requests } = modelOf((results) =>
    results.length < 2 ? { calls: [["append", {}]] } : { text: "done" },
  );
  const definition = { name: "lead", model: "smart", system: "", capabilities: [{ name: "lead" }] };
  await at.muster.agent(createModelAgent(definition, { model, toolbox }));
  const { tasks } = at.muster.orchestrator;
  const budget = { moneyMicros: 250, onReached: "pause" as const };
  const [submitted] = await tasks.submit([{ capability: "lead", budget }], someone);
  const { id } = submitted!;
  await expect.poll(async () => (await tasks.get(id, someone)).budget?.reached?.kind).toBe("money");
  expect((await tasks.get(id, someone)).budget?.spent).toMatchObject({ moneyMicros: 200 });
  expect(requests).toHaveLength(2);
  await tasks.resume(id, { add: { moneyMicros: 100 } }, someone);
  const task = await tasks.wait(id, 10_000, someone);
  expect(task).toMatchObject({
    status: "completed",
    output: "done",
    budget: { spent: { moneyMicros: 300 } },
  });
  expect(requests).toHaveLength(3);
  expect(new Set(made).size).toBe(2);
  expect(made).toHaveLength(2);
});

test("an agent of all tenants sees, for one tenant's task, nobody of another", async () => {
  await connect(describedAs("ours", "cook", "Cooks"), "default");
  await connect(describedAs("theirs", "cook", "Cooks"), "others");
  await connect(describedAs("everybodys", "cook", "Cooks"), "*");
  let seen: string[] = [];
  await at.muster.agent({
    name: "seeker",
    capabilities: [
      {
        name: "seek",
        async handler({ findAgents }) {
          seen = (await findAgents({ capability: "cook" })).map(({ name }) => name).sort();
          await expect(findAgents({ limit: 1_000 })).rejects.toMatchObject({ code: "invalid_request" });
        },
      },
    ],
  });
  await at.muster.finish({ capability: "seek" });
  expect(seen).toEqual(["everybodys", "ours"]);
});

test("a model that is cancelled in the middle of its answer is told to stop, and nothing of it counts as a result", async () => {
  let asked = false;
  let stopped = false;
  const model: Model = {
    generate: (_request, options) =>
      new Promise((_resolve, reject) => {
        asked = true;
        options?.signal?.addEventListener("abort", () => {
          stopped = true;
          reject(options.signal?.reason);
        });
      }),
  };
  const definition = { name: "lead", model: "smart", system: "", capabilities: [{ name: "lead" }] };
  await at.muster.agent(createModelAgent(definition, { model, toolbox: noTools }));
  const { tasks } = at.muster.orchestrator;
  const [submitted] = await tasks.submit([{ capability: "lead" }], someone);
  await expect.poll(() => asked).toBe(true);
  await tasks.cancel(submitted!.id, someone);
  await expect.poll(() => stopped).toBe(true);
  expect((await tasks.get(submitted!.id, someone)).status).toBe("cancelled");
});
