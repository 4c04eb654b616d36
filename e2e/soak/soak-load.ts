import { type Client, createClient, MusterError } from "@muster/sdk";
import type { Cluster } from "../cluster/support/cluster.ts";
import type { Chance } from "../cluster/support/random-from.ts";
import { createBatch, submitBatch } from "../cluster/support/workload.ts";
import { pause } from "../support/processes.ts";

/** How an acknowledged task has to end. */
export type Fate = "completed" | "failed" | "cancelled";

export interface SoakLoad {
  /** How every task that was acknowledged has to end. */
  readonly fates: ReadonlyMap<string, Fate>;
  readonly runs: ReadonlySet<string>;
  /** Takes no more work up, and waits for those who hand it in. */
  stop(): Promise<void>;
}

const tenants = ["red", "green", "blue"];
/** Tasks under way, beyond which nothing is handed in: a soak is no race. */
const mostInFlight = 800;
const patienceMs = 180_000;
const retry = { delayMs: 200, maxDelayMs: 1_000, maxAttempts: 20 };

const workflow = {
  name: "soak",
  steps: {
    first: { capability: "work", with: { ms: 10 }, retry: 20 },
    many: {
      capability: "work",
      needs: "first",
      "for-each": [1, 2, 3, 4],
      with: { ms: 20, echo: "${{ item }}" },
      retry: 20,
    },
    last: { capability: "work", needs: "many", with: { ms: 5 }, retry: 20 },
  },
};

/** Repeats a call until it is answered, through every fault. */
async function insist<T>(call: () => Promise<T>): Promise<T> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const passing = error instanceof MusterError && error.retryable;
      if (!passing || performance.now() > until) throw error;
      await pause(100);
    }
  }
}

/** Mixed work of several tenants, from several clients each, until it is stopped. */
export async function startSoakLoad(cluster: Cluster, random: Chance): Promise<SoakLoad> {
  const fates = new Map<string, Fate>();
  const runs = new Set<string>();
  const clients = await Promise.all(
    tenants.map(async (tenant) => {
      const { key } = await cluster.client.keys.create({ name: tenant, role: "client", tenant });
      return createClient({ url: cluster.url, apiKey: key });
    }),
  );
  let stopped = false;
  let names = 0;
  const nameOne = (what: string) => `soak ${random.seed} ${what} ${names++}`;

  const waitForRoom = async () => {
    const count = () =>
      cluster.database.query("select count(*)::int as count from task where ended_at is null");
    while (!stopped) {
      const answer = await count().catch(() => undefined);
      if (answer !== undefined && answer.rows[0].count < mostInFlight) return;
      await pause(200);
    }
  };

  /** Batches of everything, and a long poll for some of it. */
  async function submitMixed(client: Client): Promise<void> {
    const name = nameOne("mixed");
    const ids = await submitBatch(client, name, createBatch(random, name));
    for (const id of ids) fates.set(id, "completed");
    await insist(() => client.tasks.wait(random.pick(ids), { timeoutMs: patienceMs }));
  }

  /** Tasks that fail for good. */
  async function submitHopeless(client: Client): Promise<void> {
    const task = { capability: "work", input: { fails: 100 }, retry: { ...retry, maxAttempts: 2 } };
    const [id] = await submitBatch(client, "a hopeless task", [
      { ...task, idempotencyKey: nameOne("hopeless") },
    ]);
    fates.set(id!, "failed");
    await insist(() => client.tasks.wait(id!, { timeoutMs: patienceMs }));
  }

  /** Tasks that are cancelled while they run, by whoever waits for too long. */
  async function submitCancelled(client: Client): Promise<void> {
    const task = { capability: "work", input: { ms: 60_000 }, retry, idempotencyKey: nameOne("cancelled") };
    const [id] = await submitBatch(client, "a task to cancel", [task]);
    await pause(random.between(0, 2_000));
    await insist(() => client.tasks.cancel(id!)).catch((error) => {
      // The answer to the first try was lost.
      if (!(error instanceof MusterError && error.code === "not_cancellable")) throw error;
    });
    fates.set(id!, "cancelled");
  }

  async function startRun(client: Client): Promise<void> {
    const idempotencyKey = nameOne("run");
    const { id } = await insist(() => client.runs.start({ workflow, idempotencyKey }));
    runs.add(id);
    await insist(() => client.runs.wait(id, { timeoutMs: patienceMs }));
  }

  /** Watchers that come and go. */
  async function watchShortly(client: Client): Promise<void> {
    const signal = AbortSignal.timeout(random.between(500, 10_000));
    for await (const _ of client.events.follow({ signal })) if (signal.aborted) return;
  }

  const kinds = [submitMixed, submitMixed, submitHopeless, submitCancelled, startRun, watchShortly];
  const loops = clients.flatMap((client) =>
    kinds.map(async (kind) => {
      while (!stopped) {
        await waitForRoom();
        if (!stopped) await kind(client);
        await pause(random.between(50, 500));
      }
    }),
  );
  const over = Promise.all(loops);
  // Whoever stops the load hears of what went wrong.
  over.catch(() => {
    stopped = true;
  });
  return {
    fates,
    runs,
    async stop() {
      stopped = true;
      await over;
    },
  };
}
