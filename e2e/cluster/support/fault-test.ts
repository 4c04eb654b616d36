import { expect, test } from "vitest";
import { testSeed } from "../../../packages/server/src/test/test-seed.ts";
import { eventually, pause } from "../../support/processes.ts";
import { type Cluster, type ClusterOptions, startCluster } from "./cluster.ts";
import { findViolations, readEvents } from "./invariants.ts";
import { findLeaks } from "./leaks.ts";
import { type Chance, randomFrom } from "./random-from.ts";
import type { Servers } from "./servers.ts";
import { startWatcher } from "./watcher.ts";
import { createBatch, submitBatch } from "./workload.ts";

export interface FaultTest extends ClusterOptions {
  /** Tasks that wait or run when the fault happens. */
  tasks?: number;
  /** Makes the fault and ends it; all is well again when it resolves. */
  fault: (cluster: Cluster, random: Chance) => Promise<void>;
  /** Whether some work goes on while the fault lasts, as where another node is whole. */
  goesOn: "meanwhile" | "afterwards";
}

/** How often each fault is made, at other moments every time. */
const rounds = Number(process.env.MUSTER_FAULT_ROUNDS ?? 1);
const firstSeed = testSeed();
/**
 * Leases of the nodes, half as long as by default: what a fault took along is found out by them, and nothing here depends on
 * more than that a fault can outlast them.
 */
export const leaseMs = 5_000;
/** Work goes on within this time after a fault. */
const recoveryMs = 10_000;
/** Everything ends within this time after a fault, on a slow machine. */
const endMs = 180_000;
/** The fault comes so long after the work was handed in, at most. */
const mostDelayMs = 500;
const startMs = 120_000;
const roundMs = 300_000;

/**
 * One fault on a cluster at work: tasks in all states, some handed in while the fault lasts, agents over all
 * transports, and watchers. Afterwards nothing may be lost, doubled, early or left behind.
 */
export function faultTest(name: string, servers: () => Servers, plan: FaultTest): void {
  test(name, { timeout: startMs + roundMs * rounds }, async () => {
    const startedAt = performance.now();
    const took = () => `${Math.round((performance.now() - startedAt) / 1_000)} s`;
    const env = { MUSTER_LEASE_MS: `${leaseMs}`, ...plan.env };
    const cluster = await startCluster(servers(), { ...plan, env });
    const times = [`started after ${took()}`];
    try {
      for (let round = 0; round < rounds; round++) {
        const random = randomFrom(firstSeed + round);
        const { violations, recoveredMs, report } = await playRound(cluster, plan, random);
        console.log(`${name}: seed ${random.seed}, ${report}`);
        if (violations.length > 0) console.log(logsOf(cluster));
        expect(violations, `seed ${random.seed}`).toEqual([]);
        expect(recoveredMs, "milliseconds until work went on").toBeLessThanOrEqual(recoveryMs);
      }
      times.push(`rounds over after ${took()}`);
      expect(await findLeaks(cluster)).toEqual([]);
      console.log(`${name}: ${times.join(", ")}, stopped after ${took()}`);
    } catch (error) {
      console.log(logsOf(cluster));
      throw error;
    } finally {
      await cluster.close();
    }
  });
}

const logsOf = ({ nodes }: Cluster): string =>
  nodes.map((node) => `--- ${node.name}\n${node.log().slice(-3_000)}`).join("\n");

async function playRound(cluster: Cluster, { tasks = 1_000, fault, goesOn }: FaultTest, random: Chance) {
  const { client, database } = cluster;
  const after = (await client.info()).latestEvent;
  const watchers = await Promise.all([startWatcher(client), startWatcher(client)]);
  const work = createWork(cluster, random);
  await eventually("the work is under way", async () => {
    await work.submit(tasks);
    return (await work.inFlight()) >= tasks;
  });
  await pause(random.between(0, mostDelayMs));
  const inFlight = await work.inFlight();
  const trickle = work.trickle();
  const faultAt = Date.now();
  await fault(cluster, random);
  const overAt = Date.now();
  await trickle.stop();
  await eventually("every task has ended", async () => (await work.inFlight()) === 0, endMs).catch(
    () => undefined,
  );
  const latest = (await readEvents(database, after)).at(-1)?.seq ?? after;
  const caughtUp = () => watchers.every(({ seen }) => (seen.at(-1)?.seq ?? after) >= latest);
  await eventually("the watchers have seen it all", caughtUp, recoveryMs).catch(() => undefined);
  await Promise.all(watchers.map((watcher) => watcher.stop()));
  const { acknowledged } = work;
  const watched = watchers.map(({ seen }) => seen);
  const violations = await findViolations(database, { acknowledged, after, watched });
  const recovery = await measureRecovery(cluster, after, goesOn === "meanwhile" ? faultAt : overAt);
  const report = [
    `${inFlight} tasks in flight, ${acknowledged.length} acknowledged, ${violations.length} rules broken`,
    `fault of ${overAt - faultAt} ms`,
    `work went on after ${recovery.firstMs} ms, longest silence ${recovery.silenceMs} ms`,
    `all had ended ${recovery.lastMs} ms after it`,
  ].join("; ");
  if (recovery.silenceMs > recoveryMs) console.log(`The task that ended the silence:\n  ${recovery.story}`);
  return { violations, recoveredMs: recovery.firstMs, report };
}

/** When work went on: the first task that was both started and completed after the fault. */
async function measureRecovery({ database }: Cluster, after: number, since: number) {
  const events = await readEvents(database, after);
  const started = new Set<string>();
  const completed: { at: number; task_id: string }[] = [];
  for (const { at, type, task_id } of events) {
    if (at < since || task_id === null) continue;
    if (type === "task.started") started.add(task_id);
    if (type === "task.completed" && started.has(task_id)) completed.push({ at: at - since, task_id });
  }
  const silences = completed.map(({ at }, index) => at - (completed[index - 1]?.at ?? 0));
  const silenceMs = Math.max(0, ...silences);
  const breaker = completed[silences.indexOf(silenceMs)]?.task_id;
  const story = events.filter(({ task_id }) => task_id === breaker);
  return {
    firstMs: completed[0]?.at ?? Number.POSITIVE_INFINITY,
    silenceMs,
    lastMs: completed.at(-1)?.at ?? 0,
    /** What became of the task that ended the longest silence. */
    story: story.map(({ at, type, agent_id }) => `${at - since} ms ${type} ${agent_id ?? ""}`).join("\n  "),
  };
}

/** Batches that are handed in at once, and some while the fault lasts. */
function createWork({ client, database }: Cluster, random: Chance) {
  const acknowledged: string[] = [];
  let batches = 0;
  const submitOne = async () => {
    const name = `seed ${random.seed}, batch ${batches++}`;
    acknowledged.push(...(await submitBatch(client, name, createBatch(random, name))));
  };
  return {
    acknowledged: acknowledged as readonly string[],
    /** Hands in tasks until so many more are acknowledged, several batches at once. */
    async submit(count: number) {
      const until = acknowledged.length + count;
      while (acknowledged.length < until)
        await Promise.all([submitOne(), submitOne(), submitOne(), submitOne()]);
    },
    /** Hands in more until it is stopped. */
    trickle() {
      let stopped = false;
      const going = (async () => {
        while (!stopped) {
          await submitOne();
          await pause(500);
        }
      })();
      going.catch(() => undefined);
      return {
        stop: () => {
          stopped = true;
          return going;
        },
      };
    },
    /** Acknowledged tasks that have not ended. */
    async inFlight(): Promise<number> {
      const { rows } = await database.query(
        "select count(*)::int as count from task where id = any ($1::uuid[]) and ended_at is null",
        [acknowledged],
      );
      return rows[0].count;
    },
  };
}
