import { type CuttableProxy, startCuttableProxy } from "../../support/cuttable-proxy.ts";
import { type Ended, type RunningProcess, startProcess, waitForOutput } from "../../support/processes.ts";
import { binary } from "../../support/server-process.ts";
import { type Place, type ServerId, serverIds } from "./servers.ts";

/** A node of a cluster, as a process of its own, with a line of its own to each server. */
export interface ClusterNode {
  readonly name: string;
  readonly url: string;
  readonly links: Record<ServerId, CuttableProxy>;
  /** The first admin key, from the node that came first. */
  adminKey(): string | null;
  pid(): number;
  /** Starts it, or starts it again, at the address that it always has. */
  start(): Promise<void>;
  /** Drains it, as an operator would. */
  stop(): Promise<Ended>;
  kill(): Promise<Ended>;
  /** Stops it in the middle of whatever it does; it does not notice. */
  freeze(): void;
  thaw(): void;
  /** What it has logged since it was started last. */
  log(): string;
  close(): Promise<void>;
}

export interface NodeOptions {
  name: string;
  port: number;
  place: Place;
  env?: Record<string, string>;
}

export async function createClusterNode({ name, port, place, env = {} }: NodeOptions): Promise<ClusterNode> {
  const links = Object.fromEntries(
    await Promise.all(serverIds.map(async (id) => [id, await startCuttableProxy(place.urls[id])] as const)),
  ) as Record<ServerId, CuttableProxy>;
  let running: RunningProcess | null = null;
  let adminKey: string | null = null;
  const current = (): RunningProcess => {
    if (running === null) throw new Error(`${name} does not run.`);
    return running;
  };
  const signal = (name: NodeJS.Signals) => process.kill(current().pid, name);

  return {
    name,
    url: `http://127.0.0.1:${port}`,
    links,
    adminKey: () => adminKey,
    pid: () => current().pid,
    async start() {
      running = startProcess(process.execPath, [binary, "serve", "--json"], {
        env: {
          DATABASE_URL: links.postgresql.url,
          AMQP_URL: links.rabbitmq.url,
          REDIS_URL: links.redis.url,
          MUSTER_CLUSTER_PREFIX: place.prefix,
          MUSTER_NODE_NAME: name,
          MUSTER_PORT: String(port),
          MUSTER_LOG_LEVEL: "warn",
          MUSTER_DRAIN_MS: "500",
          ...env,
        },
      });
      const [line] = await waitForOutput(running, /^\{.*\}$/m, 120_000);
      adminKey ??= (JSON.parse(line) as { adminKey: string | null }).adminKey;
    },
    stop: () => current().end("SIGTERM"),
    kill: () => current().end("SIGKILL"),
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    log: () => running?.err() ?? "",
    async close() {
      await running?.end("SIGKILL");
      await Promise.all(serverIds.map((id) => links[id].close()));
    },
  };
}
