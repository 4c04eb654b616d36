/**
 * Measures the embedded orchestrator over its full path, synced to disk: submit → discover → dispatch over the
 * bus → handler → settle → events. `usage` says how.
 */
import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { readArguments } from "../../scripts/read-arguments.ts";
import { memoryOfAgents, overheadOfTurn } from "./agent-loop.ts";
import {
  addAgent,
  chain,
  ended,
  independent,
  layered,
  onStart,
  quantile,
  rateOf,
  sleep,
  withMuster,
} from "./measure.ts";

const usage = `
Measures the embedded orchestrator over its full path, synced to disk. Prints one table, and writes the figures as JSON with
what they were measured on.

  npm run bench -- --quick

  --quick       with a tenth of the work
  --only NAME   one row
  --out FILE    where the figures go (bench/results.json)
  --help        this
`;

const { values: options } = readArguments(usage, {
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    out: { type: "string", default: "bench/results.json" },
  },
});
const scale = options.quick ? 0.1 : 1;
const many = Math.round(20_000 * scale);
const backlog = Math.round(200_000 * scale);

interface Row {
  name: string;
  value: number;
  unit: string;
  target: string;
}

const median = (values: number[]): number => quantile(values, 0.5);

/** The same measurement three times in one orchestrator that is warm; the median counts. */
async function rates(make: () => Parameters<typeof rateOf>[1]): Promise<number> {
  return withMuster(4, async (muster) => {
    await rateOf(muster, independent(1_000, 100));
    const results: number[] = [];
    for (let round = 0; round < 3; round++) results.push(await rateOf(muster, make()));
    return median(results);
  });
}

async function latencies(): Promise<Row[]> {
  const waits = await withMuster(1, async (muster) => {
    const submitted = new Map<number, number>();
    const measured: number[] = [];
    onStart((_, input) => {
      const { n } = input as { n: number };
      measured.push(performance.now() - (submitted.get(n) as number));
    });
    const count = Math.round(1_000 * Math.max(scale, 0.2));
    for (let n = 0; n < count; n++) {
      submitted.set(n, performance.now());
      void muster.client.tasks.submit({ capability: "noop", input: { n } });
      await sleep(20);
    }
    await sleep(500);
    return measured.slice(50);
  });
  return [
    { name: "dispatch at 50/s, p50", value: quantile(waits, 0.5), unit: "ms", target: "≤ 5" },
    { name: "dispatch at 50/s, p99", value: quantile(waits, 0.99), unit: "ms", target: "≤ 25" },
  ];
}

/** How much a backlog slows the rate: the first tasks of a long queue, and the same number alone. */
async function backlogged(): Promise<Row[]> {
  const work = Math.round(20_000 * scale);
  const drained = (waiting: number): Promise<number> =>
    withMuster(0, async (muster) => {
      for (const batch of independent(waiting, 5_000)) await muster.client.tasks.submit(batch);
      const over = ended(muster, work);
      for (let n = 0; n < 4; n++) await addAgent(muster, `worker-${n}`);
      const started = performance.now();
      await over;
      return work / ((performance.now() - started) / 1000);
    });
  await drained(work);
  const ratios: number[] = [];
  for (let round = 0; round < 3; round++) {
    const alone = await drained(work);
    ratios.push((await drained(backlog)) / alone);
  }
  return [
    {
      name: `rate with ${backlog} queued, of the rate without`,
      value: median(ratios),
      unit: "×",
      target: "≥ 0.8",
    },
  ];
}

/** The same work while somebody follows every event. */
async function watched(): Promise<Row[]> {
  const value = await withMuster(4, async (muster) => {
    const abort = new AbortController();
    const watching = (async () => {
      for await (const _ of muster.client.events.follow({ signal: abort.signal }));
    })();
    await rateOf(muster, independent(1_000, 100));
    const results: number[] = [];
    for (let round = 0; round < 3; round++) results.push(await rateOf(muster, independent(many, 100)));
    abort.abort();
    await watching;
    return median(results);
  });
  return [{ name: "independent, somebody follows every event", value, unit: "tasks/s", target: "" }];
}

async function idleAndMemory(): Promise<Row[]> {
  return withMuster(4, async (muster) => {
    await rateOf(muster, independent(5_000, 500));
    await sleep(3_000);
    const before = process.cpuUsage();
    // Long enough for one visit of upkeep, which still tidies up after the work.
    const idleMs = options.quick ? 5_000 : 60_000;
    await sleep(idleMs);
    const used = process.cpuUsage(before);
    const idle = ((used.user + used.system) / 1000 / idleMs) * 100;
    global.gc?.();
    for (let round = 0; round < 3; round++) await rateOf(muster, independent(many, 500));
    global.gc?.();
    const rssBefore = process.memoryUsage().rss;
    for (let round = 0; round < 4; round++) await rateOf(muster, independent(many, 500));
    await sleep(1_000);
    global.gc?.();
    const grown = (process.memoryUsage().rss - rssBefore) / 2 ** 20;
    return [
      { name: "idle", value: idle, unit: "% CPU", target: "< 1" },
      {
        name: `memory grown by ${many * 4} finished tasks`,
        value: grown,
        unit: "MiB",
        target: "does not grow with them",
      },
    ];
  });
}

async function agentLoop(): Promise<Row[]> {
  const rounds = options.quick ? 2 : 7;
  const parallel = await withMuster(0, (muster) => overheadOfTurn(muster, true, rounds));
  const once = await withMuster(0, (muster) => overheadOfTurn(muster, false, rounds));
  return [
    {
      name: "agent loop, a turn with a call that may be repeated",
      value: parallel,
      unit: "ms",
      target: "≤ 10",
    },
    { name: "agent loop, a turn with a call that may not", value: once, unit: "ms", target: "≤ 10" },
  ];
}

async function streamingAgents(): Promise<Row[]> {
  const count = options.quick ? 20 : 200;
  const alone = await memoryOfAgents(count, false);
  const watched = await memoryOfAgents(count, true);
  const name = `memory of ${count} agents that stream at once`;
  return [
    { name, value: alone, unit: "MiB", target: "< 572" },
    { name: `${name}, all of them watched`, value: watched, unit: "MiB", target: "< 572" },
  ];
}

const rate =
  (name: string, target: string, make: () => Parameters<typeof rateOf>[1]) => async (): Promise<Row[]> => [
    { name, value: await rates(make), unit: "tasks/s", target },
  ];

const rows: Record<string, () => Promise<Row[]>> = {
  independent: rate("independent, in hundreds", "≥ 4,000", () => independent(many, 100)),
  single: rate("independent, one by one", "≥ 4,000", () => independent(many / 2, 1)),
  watched,
  layered: rate("layered 100 × 100, 3 needs", "≥ 4,000", () => [layered(100, options.quick ? 10 : 100, 3)]),
  chain: rate("one chain of 1,000", "≥ 1,000", () => [chain(options.quick ? 200 : 1_000)]),
  latency: latencies,
  backlog: backlogged,
  idle: idleAndMemory,
  loop: agentLoop,
  streaming: streamingAgents,
};

const show = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(2);

const results: Row[] = [];
for (const [name, measure] of Object.entries(rows)) {
  if (options.only !== undefined && options.only !== name) continue;
  process.stderr.write(`measuring ${name}…\n`);
  for (const row of await measure()) {
    results.push(row);
    process.stdout.write(
      `${row.name.padEnd(52)} ${show(row.value).padStart(9)} ${row.unit.padEnd(8)} target ${row.target}\n`,
    );
  }
}
const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  node: process.version,
  platform: process.platform,
};
await writeFile(
  options.out,
  `${JSON.stringify({ measuredAt: new Date().toISOString(), machine, results }, null, 2)}\n`,
);
process.stderr.write(`written to ${options.out}\n`);
