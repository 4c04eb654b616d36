import { createClient } from "@muster/sdk";
import { expect, test } from "vitest";
import { testSeed } from "../../packages/server/src/test/test-seed.ts";
import { eventually, pause } from "../support/processes.ts";
import { startCluster } from "./support/cluster.ts";
import { faultTest } from "./support/fault-test.ts";
import { randomFrom } from "./support/random-from.ts";
import { type ServerId, serverIds } from "./support/servers.ts";
import { useServers } from "./support/use-servers.ts";

/** The 60 s ones take more time than each change is worth; MUSTER_FAULT_LONG=1 adds them. */
const cutsMs = process.env.MUSTER_FAULT_LONG === "1" ? [5_000, 60_000] : [5_000];

const servers = useServers();

const nameOf: Record<ServerId, string> = { postgresql: "PostgreSQL", rabbitmq: "RabbitMQ", redis: "Redis" };

for (const cutMs of cutsMs) {
  for (const id of serverIds) {
    faultTest(`nothing passes between one node and ${nameOf[id]} for ${cutMs / 1_000} s`, servers, {
      tasks: 300,
      goesOn: "meanwhile",
      async fault({ nodes }, random) {
        const link = nodes[0]!.links[id];
        // The line is broken, too, at one end of the silence or at both: each node has to notice by itself.
        if (random.next() < 0.5) link.cut();
        link.stall();
        await pause(cutMs);
        if (random.next() < 0.5) link.cut();
        link.restore();
      },
    });
  }
}

faultTest("no node reaches any server for 5 s", servers, {
  tasks: 300,
  goesOn: "afterwards",
  async fault({ nodes }) {
    const links = nodes.flatMap((node) => serverIds.map((id) => node.links[id]));
    for (const link of links) link.stall();
    await pause(5_000);
    for (const link of links) link.restore();
  },
});

/** No answer takes this long: it says that a request hangs, and nothing of how soon it should be answered. */
const hangsMs = 20_000;

test("a request to a node that PostgreSQL says nothing to is refused soon, and the SDK asks another one", {
  timeout: 240_000,
}, async () => {
  const random = randomFrom(testSeed());
  const cluster = await startCluster(servers(), { workers: 1 });
  const [cutOff, other] = cluster.nodes;
  const sdk = createClient({ url: [cutOff!.url, other!.url], apiKey: cluster.apiKey });
  const [waiting] = await sdk.tasks.submit([{ capability: "nobody" }]);
  const asked: Record<string, Asked[]> = { read: [], written: [], waited: [], readiness: [] };
  const ask = async (kind: string, path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${cluster.apiKey}`, "content-type": "application/json" };
    asked[kind]!.push(await askOnce(`${cutOff!.url}${path}`, { ...init, headers }));
  };
  const body = JSON.stringify({ capability: "nobody" });
  const keys: string[] = [];
  const stop = keepDoing([
    () => ask("read", `/v1/tasks/${waiting!.id}`),
    () => ask("written", "/v1/tasks", { method: "POST", body }),
    () => ask("readiness", "/readyz"),
    async () => {
      const idempotencyKey = `key ${keys.length}`;
      keys.push(idempotencyKey);
      const { id } = await sdk.tasks.submit({ capability: "of_the_sdk", idempotencyKey });
      await sdk.tasks.get(id);
    },
  ]);
  const longPoll = ask("waited", `/v1/tasks/${waiting!.id}?waitMs=60000`);
  try {
    await pause(random.between(200, 3_000));
    cutOff!.links.postgresql.stall();
    const silentAt = Date.now();
    await pause(random.between(8_000, 15_000));
    if (random.next() < 0.5) cutOff!.links.postgresql.cut();
    cutOff!.links.postgresql.restore();
    await eventually("the node takes requests again", async () => asked.readiness!.at(-1)!.status === 200);
    await Promise.all([stop(), longPoll]);
    const refused = Object.entries(asked).map(([kind, all]) => {
      const longest = Math.max(...all.map(({ ms }) => ms));
      return `${kind}: ${all.filter(({ status }) => status === 503).length} of ${all.length} refused, longest ${longest} ms`;
    });
    const unready = asked.readiness!.find(({ status }) => status === 503)!;
    console.log(`seed ${random.seed}; ${refused.join("; ")}; not ready after ${unready.at - silentAt} ms`);
    for (const answer of Object.values(asked).flat()) {
      expect(answer.ms).toBeLessThan(hangsMs);
      if (answer.status < 300) continue;
      expect(answer).toMatchObject({
        status: 503,
        type: expect.stringMatching(/^application\/problem\+json/),
        retryAfter: "1",
      });
    }
    for (const kind of ["read", "written", "waited"])
      expect(asked[kind]!.map(({ detail }) => detail)).toContain("The database does not answer.");
    const { rows } = await cluster.database.query(
      "select count(*)::int from task where capability = 'of_the_sdk'",
    );
    expect(rows).toEqual([{ count: keys.length }]);
  } finally {
    await Promise.allSettled([stop(), longPoll]);
    await cluster.close();
  }
});

interface Asked {
  status: number;
  type: string | null;
  retryAfter: string | null;
  detail: string | undefined;
  /** When it was answered, and how long that took. */
  at: number;
  ms: number;
}

async function askOnce(url: string, init: RequestInit): Promise<Asked> {
  const began = Date.now();
  const { status, headers, ...response } = await fetch(url, init).then(async (answer) => ({
    status: answer.status,
    headers: answer.headers,
    body: (await answer.json()) as { detail?: string },
  }));
  return {
    status,
    type: headers.get("content-type"),
    retryAfter: headers.get("retry-after"),
    detail: response.body.detail,
    at: Date.now(),
    ms: Date.now() - began,
  };
}

/** Does each of these again and again, side by side, until it is stopped; that fails where one of them did. */
function keepDoing(works: readonly (() => Promise<void>)[]): () => Promise<void> {
  let stopped = false;
  const going = Promise.all(
    works.map(async (work) => {
      while (!stopped) {
        await work();
        await pause(50);
      }
    }),
  );
  going.catch(() => undefined);
  return async () => {
    stopped = true;
    await going;
  };
}
