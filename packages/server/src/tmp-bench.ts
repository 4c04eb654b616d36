import { harness, stats } from "./tmp-harness.ts";
const h = await harness();
const { o, client } = h;
for (let i = 0; i < 4; i++) await h.agent({ name: "w" + i, maxConcurrency: 100, capabilities: [{ name: "noop", handler: (ctx: any) => ({ n: ctx.input.n }) }] });
async function run(label: string, batches: any[][]) {
  const t = performance.now();
  const ids = (await Promise.all(batches.map((b) => o.tasks.submit(b, client)))).flat().map((s) => s.id);
  const submitted = performance.now() - t;
  // wait through events
  const left = new Set(ids);
  await new Promise<void>((resolve) => { const s = o.events.subscribe(0, { types: ["task.completed"] }, client, (e) => { left.delete(e.taskId!); if (left.size === 0) { void s.end(); resolve(); } }); });
  const d = performance.now() - t;
  console.table(Object.fromEntries(Object.entries(stats as any).map(([k, v]: any) => [k, { n: v.n, ms: Math.round(v.ms), each: Math.round(v.ms / v.n * 1000) }]))); for (const k of Object.keys(stats)) delete stats[k];
  console.log(label, ids.length, "tasks", (ids.length / d * 1000) | 0, "/s; submit ms", submitted | 0);
}
await run("warm", [Array.from({ length: 1000 }, (_, i) => ({ capability: "noop", input: { n: i } }))]);
await run("independent single submits", Array.from({ length: 10000 }, (_, i) => [{ capability: "noop", input: { n: i } }]));
await run("independent batches", Array.from({ length: 20 }, (_, b) => Array.from({ length: 500 }, (_, i) => ({ capability: "noop", input: { n: i } }))));
await run("chain", [Array.from({ length: 1000 }, (_, i) => ({ ref: "t" + i, capability: "noop", input: { n: i }, ...(i ? { dependsOn: ["t" + (i - 1)] } : {}) }))]);
const layered = []; for (let l = 0; l < 100; l++) for (let i = 0; i < 100; i++) layered.push({ ref: `${l}-${i}`, capability: "noop", input: { n: i }, ...(l ? { dependsOn: [0, 1, 2].map((k) => `${l - 1}-${(i + k * 7) % 100}`) } : {}) });
await run("layered", [layered]);
await h.close();
