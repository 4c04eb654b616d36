/**
 * What an operator does on a Tuesday: one node after the other is stopped and started again while everybody works on.
 * Nobody may notice: no request fails, no task is lost, none is done twice.
 */
import { createClient } from "@muster/sdk";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type NginxProcess, startNginx } from "../support/nginx-process.ts";
import { cleanUp } from "../support/processes.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { findViolations } from "./support/invariants.ts";
import { type Servers, startServers } from "./support/servers.ts";

const clientsPerBalancer = 4;

let servers: Servers;
let cluster: Cluster;
let nginx: NginxProcess;
beforeAll(async () => {
  servers = await startServers();
  cluster = await startCluster(servers, { workers: 4, env: { MUSTER_DRAIN_MS: "5000" } });
  nginx = await startNginx(cluster.nodes.map(({ url }) => new URL(url).host));
}, 240_000);
afterAll(async () => {
  await nginx?.end("SIGTERM");
  await cluster?.close();
  await servers?.remove();
  await cleanUp();
}, 60_000);

it("nobody notices that each node is restarted in turn", async () => {
  const { nodes, database, apiKey } = cluster;
  const stop = new AbortController();
  const acknowledged: string[] = [];
  const failures: unknown[] = [];
  let answered = 0;

  /** Hands in a task, reads it, waits for it, looks at the list: again and again. */
  async function keepAsking(url: string): Promise<void> {
    const client = createClient({ url, apiKey });
    while (!stop.signal.aborted) {
      try {
        const { id } = await client.tasks.submit({ capability: "work", input: { ms: 20 } });
        acknowledged.push(id);
        expect((await client.tasks.wait(id, { timeoutMs: 60_000 })).status).toBe("completed");
        await client.tasks.list({ limit: 5 });
        answered += 3;
      } catch (error) {
        failures.push(error);
      }
    }
  }

  /** The same without the SDK and its second tries: what the load balancer alone makes of it. */
  async function askPlainly(): Promise<void> {
    const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
    while (!stop.signal.aborted) {
      try {
        const list = await fetch(`${nginx.url}/v1/tasks?limit=1`, { headers });
        if (!list.ok) failures.push(`list: ${list.status} ${await list.text()}`);
        await list.arrayBuffer().catch(() => undefined);
        answered++;
      } catch (error) {
        failures.push(error);
      }
    }
  }

  const balancers = [cluster.balancerUrl, nginx.url];
  const askers = balancers.flatMap((url) =>
    Array.from({ length: clientsPerBalancer }, () => keepAsking(url)),
  );
  const working = Promise.all([...askers, askPlainly()]);
  const before = answered;
  for (const node of nodes) {
    const ended = await node.stop();
    expect(ended).toMatchObject({ exitCode: 0, err: expect.stringContaining("stopped") });
    await node.start();
  }
  stop.abort();
  await working;
  console.log(`${answered} requests answered, ${acknowledged.length} tasks, ${failures.length} failures`);
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThan(before + 100);
  expect(await findViolations(database, { acknowledged, after: 0, watched: [] })).toEqual([]);
  // Nobody lost a task on the way to another node either.
  const again = "select id, attempt from task where id = any($1::uuid[]) and attempt <> 1";
  expect((await database.query(again, [acknowledged])).rows).toEqual([]);
}, 240_000);
