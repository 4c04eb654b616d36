import { type Client, createClient } from "@muster/sdk";
import pg from "pg";
import { freePorts } from "../../../scripts/services/free-ports.ts";
import { type LoadBalancer, startLoadBalancer } from "../../support/load-balancer.ts";
import { type ClusterNode, createClusterNode } from "./cluster-node.ts";
import type { Place, Servers } from "./servers.ts";
import { createWorker, type Worker, type WorkerTransport } from "./worker.ts";

/** Real nodes and real agents on real servers, with a load balancer in front, as a team would run them. */
export interface Cluster {
  readonly servers: Servers;
  readonly place: Place;
  readonly nodes: readonly ClusterNode[];
  readonly workers: readonly Worker[];
  /** Where the load balancer is. */
  readonly url: string;
  /** By way of the load balancer, as its admin. */
  readonly client: Client;
  readonly balancerUrl: string;
  readonly apiKey: string;
  /** Straight to the database, past nodes and lines. */
  readonly database: pg.Pool;
  close(): Promise<void>;
}

export interface ClusterOptions {
  nodes?: number;
  workers?: number;
  maxConcurrency?: number;
  /** Ways by which workers come, in turns. */
  transports?: readonly WorkerTransport[];
  /** Settings of the nodes, by their variables. */
  env?: Record<string, string>;
}

const usualTransports: readonly WorkerTransport[] = ["websocket", "http", "amqp"];

export async function startCluster(servers: Servers, options: ClusterOptions = {}): Promise<Cluster> {
  const { maxConcurrency = 20, transports = usualTransports, env = {} } = options;
  const place = await servers.createPlace();
  const ports = await freePorts(options.nodes ?? 2);
  const nodes = await Promise.all(
    ports.map((port, index) => createClusterNode({ name: `node-${index + 1}`, port, place, env })),
  );
  const [first, ...others] = nodes;
  // The first one makes the tables and the admin key; the others find them.
  await first!.start();
  await Promise.all(others.map((node) => node.start()));
  const apiKey = first!.adminKey()!;
  const balancer: LoadBalancer = await startLoadBalancer(nodes.map(({ url }) => url));
  const workers = Array.from({ length: options.workers ?? 3 }, (_, index) => {
    const transport = transports[index % transports.length]!;
    const url = transport === "amqp" ? place.urls.rabbitmq : balancer.url;
    return createWorker({ name: `worker-${index + 1}`, url, apiKey, maxConcurrency, transport });
  });
  await Promise.all(workers.map((worker) => worker.start()));
  const database = new pg.Pool({ connectionString: place.urls.postgresql, max: 2 });
  // The server is killed under it, and the next query connects again.
  database.on("error", () => undefined);
  return {
    servers,
    place,
    nodes,
    workers,
    url: balancer.url,
    client: createClient({ url: balancer.url, apiKey }),
    balancerUrl: balancer.url,
    apiKey,
    database,
    async close() {
      await database.end();
      await balancer.close();
      await Promise.all(nodes.map((node) => node.close()));
    },
  };
}
