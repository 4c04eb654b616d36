// The probe agent as a process of its own, so that a test can kill it. MUSTER_URL, MUSTER_API_KEY, AGENT_NAME,
// SIDE_FILE; TRANSPORT is `websocket` or `http`.
import { createAgent } from "@muster/sdk";
import { probeAgent } from "./probe-agent.mjs";

const { MUSTER_URL, MUSTER_API_KEY, AGENT_NAME, SIDE_FILE, TRANSPORT, CONCURRENCY } = process.env;
const definition = probeAgent({
  name: AGENT_NAME,
  sideFile: SIDE_FILE,
  maxConcurrency: Number(CONCURRENCY ?? 8),
});
const agent = createAgent(definition);
await agent.start({ url: MUSTER_URL, apiKey: MUSTER_API_KEY, transport: TRANSPORT });
console.log(`Registered as ${agent.id}.`);
process.once("SIGTERM", () => agent.stop());
