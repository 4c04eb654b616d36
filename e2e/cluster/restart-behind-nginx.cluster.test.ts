/**
 * Real nodes behind the load balancer as it is deployed, restarted in turn as an upgrade does, under submissions from a
 * client that repeats nothing: none may fail, and none may be done twice.
 */
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Scratch,
  scratchDatabase,
  scratchPrefix,
  scratchVhost,
  services,
} from "../../packages/server/src/test/services.ts";
import { freePorts } from "../../scripts/services/free-ports.ts";
import { type NginxProcess, startNginx } from "../support/nginx-process.ts";
import { cleanUp, eventually, pause } from "../support/processes.ts";
import { type ClusterNode, createClusterNode } from "./support/cluster-node.ts";

const apiKey = "a-key-that-only-this-test-knows-about";
const callers = 4;
/** A restart waits for the drain, and all of this shares the machine with other tests. */
const mostMs = 240_000;

let database: Scratch;
let vhost: Scratch;
let nodes: ClusterNode[];
let nginx: NginxProcess;

beforeAll(async () => {
  database = await scratchDatabase();
  vhost = await scratchVhost();
  const place = {
    urls: { postgresql: database.url, rabbitmq: vhost.url, redis: services.redisUrl },
    prefix: scratchPrefix().replace(/:$/, ""),
    vhost: new URL(vhost.url).pathname.slice(1),
  };
  // As in deploy/compose.yaml.
  const env = { MUSTER_ADMIN_KEY: apiKey, MUSTER_DRAIN_MS: "5000", MUSTER_STOP_MS: "10000" };
  const ports = await freePorts(2);
  nodes = await Promise.all(
    ports.map((port, index) => createClusterNode({ name: `node-${index + 1}`, port, place, env })),
  );
  for (const node of nodes) await node.start();
  nginx = await startNginx(nodes.map(({ url }) => new URL(url).host));
}, mostMs);

afterAll(async () => {
  await nginx?.end("SIGTERM");
  await Promise.all((nodes ?? []).map((node) => node.close()));
  await cleanUp();
  await database?.drop();
  await vhost?.drop();
}, mostMs);

interface Traffic {
  accepted: number;
  /** What was not answered as it should be, in words. */
  failures: string[];
  stop(): Promise<void>;
}

/** Callers that each submit, and look at what they submitted, until they are stopped. Nothing is ever repeated. */
function startTraffic(url: string): Traffic {
  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
  const traffic = { accepted: 0, failures: [] as string[] };
  let stopped = false;
  const ask = async (path: string, init: RequestInit, status: number): Promise<unknown> => {
    const response = await fetch(url + path, { ...init, headers });
    const text = await response.text();
    if (response.status !== status) throw new Error(`${init.method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  };
  const call = async (): Promise<void> => {
    while (!stopped) {
      try {
        const submission = { method: "POST", body: '{"capability":"none"}' };
        const { tasks } = (await ask("/v1/tasks", submission, 201)) as { tasks: { id: string }[] };
        traffic.accepted++;
        await ask(`/v1/tasks/${tasks[0]?.id}`, { method: "GET" }, 200);
      } catch (error) {
        traffic.failures.push(String(error));
      }
      await pause(5);
    }
  };
  const all = Array.from({ length: callers }, call);
  return Object.assign(traffic, {
    async stop() {
      stopped = true;
      await Promise.all(all);
    },
  });
}

async function countTasks(): Promise<number> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>("select count(*)::integer as count from task");
    return rows[0]?.count ?? 0;
  } finally {
    await client.end();
  }
}

test(
  "nodes are restarted in turn, and no request fails although nobody repeats any",
  async () => {
    const traffic = startTraffic(nginx.url);
    const more = async (count: number) => {
      const from = traffic.accepted;
      await eventually("submissions go on", () => traffic.accepted >= from + count);
    };
    await more(20);
    for (const node of nodes) {
      const { exitCode } = await node.stop();
      expect(exitCode).toBe(0);
      await more(20);
      await node.start();
      await more(20);
    }
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
    expect(await countTasks()).toBe(traffic.accepted);
  },
  mostMs,
);
