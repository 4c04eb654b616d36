import { Redis } from "ioredis";
import type { Cluster } from "../cluster/support/cluster.ts";
import type { Chance } from "../cluster/support/random-from.ts";
import { serverIds } from "../cluster/support/servers.ts";
import { pause } from "../support/processes.ts";

type Fault = (cluster: Cluster, random: Chance) => Promise<void>;

/** Everything that may break while work goes on; each fault is over when it resolves. */
const faults: Record<string, Fault> = {
  async "a node is killed"({ nodes }, random) {
    await nodes[0]!.kill();
    await pause(random.between(0, 5_000));
    await nodes[0]!.start();
  },
  async "a node is frozen"({ nodes }, random) {
    const node = random.pick(nodes);
    node.freeze();
    await pause(random.between(1_000, 13_000));
    node.thaw();
  },
  async "a node is restarted in peace"({ nodes }) {
    await nodes[0]!.stop();
    await nodes[0]!.start();
  },
  async "an agent is killed"({ workers }, random) {
    const worker = random.pick(workers);
    await worker.kill();
    await pause(random.between(0, 3_000));
    await worker.start();
  },
  async "an agent leaves and comes back"({ workers }, random) {
    const worker = random.pick(workers);
    await worker.stop();
    await worker.start();
  },
  async "lines are cut"({ nodes }, random) {
    for (let count = 0; count < 5; count++) {
      random.pick(nodes).links[random.pick(serverIds)].cut();
      await pause(random.between(100, 1_000));
    }
  },
  async "nothing passes on a line"({ nodes }, random) {
    const link = random.pick(nodes).links[random.pick(serverIds)];
    link.stall();
    await pause(random.between(1_000, 8_000));
    link.restore();
  },
  async "Redis is emptied"({ place }) {
    const redis = new Redis(place.urls.redis);
    redis.on("error", () => undefined);
    await redis.flushall();
    redis.disconnect();
  },
  async "Redis is killed"({ servers }) {
    await servers.redis.kill();
    await servers.redis.start();
  },
  async "RabbitMQ is killed"({ servers }) {
    await servers.rabbitmq.kill();
    await servers.rabbitmq.start();
  },
  async "PostgreSQL is killed"({ servers }) {
    await servers.postgresql.kill();
    await servers.postgresql.start();
  },
};

export interface SoakFaults {
  /** How often each was made. */
  readonly made: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** Makes one fault after the other, at random, with a rest in between. */
export function startSoakFaults(cluster: Cluster, random: Chance, restMs: number): SoakFaults {
  const made = new Map<string, number>();
  let stopped = false;
  const over = (async () => {
    while (!stopped) {
      for (let rested = 0; rested < restMs && !stopped; rested += 200) await pause(200);
      if (stopped) return;
      const name = random.pick(Object.keys(faults));
      console.log(`${new Date().toISOString()} ${name}`);
      await faults[name]!(cluster, random);
      made.set(name, (made.get(name) ?? 0) + 1);
    }
  })();
  over.catch(() => undefined);
  return {
    made,
    stop() {
      stopped = true;
      return over;
    },
  };
}
