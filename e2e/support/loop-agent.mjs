// An agent with a scripted model as a process of its own. It kills itself with SIGKILL right behind the n-th entry of its
// journal that was acknowledged. MUSTER_URL, MUSTER_API_KEY, AGENT_NAME, SIDE_FILE, CAPABILITIES (separated by commas);
// KILL_BEHIND is n, 0 for never.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createModelAgent, createTeamTools, joinToolboxes } from "@muster/runtime";
import { createAgent, createWebSocketTransport } from "@muster/sdk";

const { MUSTER_URL, MUSTER_API_KEY, AGENT_NAME, SIDE_FILE, CAPABILITIES, KILL_BEHIND } = process.env;
const note = (...words) => appendFileSync(SIDE_FILE, `${words.join(" ")}\n`);

/** What the task consists of: calls in each turn. Names that begin with `read` are read, others appended to the file. */
const plan = [["read-a", "read-b", "c"], ["delegate"]];

const appendedBy = (taskId) =>
  (existsSync(SIDE_FILE) ? readFileSync(SIDE_FILE, "utf8") : "")
    .split("\n")
    .filter((line) => line.startsWith(`effect ${taskId} `))
    .map((line) => line.split(" ")[2]);

const callOf = (name, index) => {
  if (name === "delegate") return ["delegate", { tasks: [{ capability: "double", input: 21 }] }, index];
  return [name.startsWith("read") ? "read" : "append", { name }, index];
};

/** What the conversation says: what is done, what the sub-task answered, and whether anything is unsure. */
const read = (messages) => {
  const done = new Set();
  let doubled;
  let isUnsure = false;
  messages.forEach((message, at) => {
    if (message.role === "assistant") isUnsure = false;
    if (message.role !== "tool") return;
    message.results.forEach(({ name, content }, index) => {
      const { input } = messages[at - 1].toolCalls[index];
      if (content.includes("may or may not have happened")) isUnsure = true;
      else if (name === "look") for (const each of JSON.parse(content)) done.add(each);
      else if (name === "delegate") {
        doubled = JSON.parse(content)[0].output;
        done.add("delegate");
      } else done.add(input.name);
    });
  });
  return { done, doubled, isUnsure };
};

const model = {
  async generate({ messages }) {
    const { done, doubled, isUnsure } = read(messages);
    const open = plan.map((turn) => turn.filter((name) => !done.has(name))).find((turn) => turn.length > 0);
    const calls = isUnsure ? [["look", {}, 0]] : (open ?? []).map(callOf);
    return {
      text: calls.length > 0 ? "" : JSON.stringify({ doubled, done: [...done].sort() }),
      toolCalls: calls.map(([name, input, index]) => ({ id: `call_${index}`, name, input })),
      finish: calls.length > 0 ? "tool-calls" : "stop",
      usage: { inputTokens: 10, outputTokens: 5, cachedInputTokens: 0, cacheWriteTokens: 0 },
      provider: "scripted",
      model: "script-1",
      costMicros: 100,
    };
  },
};

const toolsOf = (taskId) => ({
  specs: ["read", "append", "look"].map((name) => ({
    name,
    description: name,
    inputSchema: { type: "object" },
  })),
  isParallel: (name) => name !== "append",
  async call({ name, input }) {
    if (name === "look") return { content: JSON.stringify(appendedBy(taskId)) };
    if (name === "append") note("effect", taskId, input.name);
    return { content: "done" };
  },
});

let entries = 0;
const counted = (transport) => ({
  ...transport,
  connect: (...given) => transport.connect(...given),
  close: () => transport.close(),
  async request(operation, body) {
    const answer = await transport.request(operation, body);
    if (operation !== "journal" && operation !== "delegate") return answer;
    note("entry", body.taskId, operation === "delegate" ? `delegate:${body.key}` : body.key);
    if (++entries === Number(KILL_BEHIND)) process.kill(process.pid, "SIGKILL");
    return answer;
  },
});

const outputSchema = {
  type: "object",
  required: ["doubled", "done"],
  properties: { doubled: { type: "integer" } },
};
const worker = createModelAgent(
  {
    name: AGENT_NAME,
    model: "scripted",
    system: "Follow the plan.",
    maxConcurrency: 20,
    capabilities: CAPABILITIES.split(",").map((name) => ({ name, outputSchema })),
  },
  { model, toolbox: (context) => joinToolboxes(toolsOf(context.taskId), createTeamTools(context)) },
);
const agent = createAgent(worker);
await agent.start({
  transport: counted(createWebSocketTransport({ url: MUSTER_URL, apiKey: MUSTER_API_KEY })),
});
console.log(`Registered as ${agent.id}.`);
process.once("SIGTERM", () => agent.stop());
