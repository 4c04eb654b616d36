import { type FlowJob, FlowProducer, Queue, type Job as QueuedJob, Worker } from "bullmq";
import { Redis } from "ioredis";
import { answer, type Graph, payloadOf } from "../jobs.ts";
import { type Ledger, noLedger } from "../ledger.ts";
import type { Place } from "../place.ts";
import type { Session, System } from "../system.ts";

const queueName = "noop";
/** Jobs that one worker has at once; BullMQ's guide to going to production names 50 where jobs mostly wait. */
const concurrency = 50;
/** Ended jobs are removed at once, as everybody who compares rates with BullMQ does. */
const options = { removeOnComplete: true, attempts: 3 } as const;

/** A graph as BullMQ can say it: a tree, in which each job has one parent that waits for it. */
function flowOf(graph: Graph): FlowJob {
  const jobs = new Map(graph.map((job) => [job.key, job]));
  const parents = new Map<number, number>();
  for (const { key, needs } of graph) {
    for (const need of needs) {
      if (parents.has(need)) throw new Error("BullMQ's flows are trees: this graph is none.");
      parents.set(need, key);
    }
  }
  const roots = graph.filter((job) => !parents.has(job.key));
  if (roots.length !== 1) throw new Error("A flow has one root.");
  const grow = (key: number): FlowJob => ({
    name: "noop",
    queueName,
    data: payloadOf(key),
    opts: options,
    children: (jobs.get(key)?.needs ?? []).map(grow),
  });
  return grow((roots[0] as Graph[number]).key);
}

const isFlat = (graph: Graph): boolean => graph.every((job) => job.needs.length === 0);

async function open(place: Place): Promise<Session> {
  const connection = new Redis(place.redisUrl, { maxRetriesPerRequest: null });
  const shared = { connection, prefix: place.redisPrefix };
  const queue = new Queue(queueName, shared);
  const flows = new FlowProducer(shared);
  let ledger: Ledger = noLedger;
  let completed = 0;
  let onCompleted = () => {};
  const handle = async (job: QueuedJob) => {
    ledger.ran((job.data as { key: number }).key);
    return answer;
  };
  const worker = new Worker(queueName, handle, { ...shared, concurrency });
  worker.on("completed", () => {
    completed += 1;
    onCompleted();
  });
  const complain = (error: Error) => void process.stderr.write(`${error}\n`);
  queue.on("error", complain);
  flows.on("error", complain);
  worker.on("error", complain);
  await worker.waitUntilReady();

  return {
    watch(next) {
      ledger = next;
      completed = 0;
    },
    submit: (graph) =>
      isFlat(graph)
        ? queue.addBulk(graph.map(({ key }) => ({ name: "noop", data: payloadOf(key), opts: options })))
        : flows.add(flowOf(graph)),
    settled: (watched) =>
      new Promise((resolve) => {
        onCompleted = () => {
          if (completed >= watched.total) resolve();
        };
        onCompleted();
      }),
    async close() {
      await worker.close();
      await flows.close();
      await queue.close();
      connection.disconnect();
    },
  };
}

const bullmqWith = (needs: System["needs"], title: string, durability: string): System => ({
  title,
  package: "bullmq",
  setup: `one worker of concurrency ${concurrency}, addBulk, flows for graphs, ended jobs removed at once`,
  durability,
  needs,
  open,
});

export const bullmq = bullmqWith(
  ["redis"],
  "BullMQ",
  "Redis as it stands (the run prints its persistence): without an append-only file nothing survives a crash of it",
);

export const bullmqSynced = bullmqWith(
  ["redis-always"],
  "BullMQ, synced",
  "a Redis with appendfsync always: acknowledged jobs are synced to disk",
);
