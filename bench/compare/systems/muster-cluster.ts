import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Client, createAgent, createClient, type RunningAgent } from "@muster/sdk";
import { ended, type Place } from "../place.ts";
import type { Session, System } from "../system.ts";
import { agentCount, createMusterWork } from "./muster-agents.ts";

const command = join(import.meta.dirname, "../../../packages/server/bin/muster.js");
const nodeCount = 2;
const apiKey = "ml_a-key-of-the-benchmark-that-nobody-else-can-use";

interface Node {
  url: string;
  child: ChildProcess;
}

/** A node as a process of its own, on the servers of this place. */
async function startNode(place: Place, name: string): Promise<Node> {
  const child = spawn(process.execPath, [command, "serve", "--json", "--port", "0", "--node-name", name], {
    env: {
      ...process.env,
      DATABASE_URL: place.databaseUrl,
      AMQP_URL: place.amqpUrl,
      REDIS_URL: place.redisUrl,
      MUSTER_CLUSTER_PREFIX: place.redisPrefix,
      MUSTER_ADMIN_KEY: apiKey,
      MUSTER_DATA_DIR: join(place.folder, name),
      MUSTER_LOG_LEVEL: "warn",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("{")) return { child, url: (JSON.parse(line) as { url: string }).url };
  }
  throw new Error(`The node ${name} ended before it took requests.`);
}

async function open(place: Place): Promise<Session> {
  const nodes: Node[] = [];
  const agents: Pick<RunningAgent, "stop">[] = [];
  const close = async () => {
    await Promise.all(agents.map((agent) => agent.stop(0)));
    await Promise.all(nodes.map(({ child }) => ended(child)));
  };
  try {
    for (let n = 0; n < nodeCount; n++) nodes.push(await startNode(place, `node-${n}`));
    const clients = nodes.map(({ url }) => createClient({ url, apiKey }));
    const { session, agent } = createMusterWork(clients);
    const addAgent = async (name: string, capabilities?: readonly string[]) => {
      const added = createAgent(agent(name, capabilities));
      await added.start({ url: (nodes[agents.length % nodes.length] as Node).url, apiKey });
      agents.push(added);
      return added;
    };
    for (let n = 0; n < agentCount; n++) await addAgent(`worker-${n}`);
    return { ...session, close, muster: { client: clients[0] as Client, addAgent } };
  } catch (error) {
    await close();
    throw error;
  }
}

export const musterCluster: System = {
  title: "Muster, two nodes",
  package: "muster",
  setup: "two nodes, PostgreSQL, RabbitMQ, Redis; 4 agents of 200 slots over WebSocket, two at each node",
  durability: "submitted and settled work is synced to disk; claims are not",
  needs: ["folder", "postgres", "redis", "rabbitmq"],
  open,
};
