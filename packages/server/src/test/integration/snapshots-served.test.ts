import { createClient } from "@muster/sdk";
import { expect, onTestFinished, test } from "vitest";
import { createSystemClock } from "../../adapters/clock/system-clock.ts";
import { createInMemoryRateLimits } from "../../adapters/rate-limits/in-memory/create-in-memory-rate-limits.ts";
import { createApi } from "../../api/create-api.ts";
import { runCli } from "../../cli/run-cli.ts";
import { caller } from "../call-api.ts";
import { createFakeCliContext } from "../fake-cli-context.ts";
import { root } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator();

async function serve() {
  const { orchestrator } = at.muster;
  const rateLimits = createInMemoryRateLimits({ clock: createSystemClock() });
  const api = await createApi({ orchestrator, rateLimits, log: false, version: "1" });
  onTestFinished(() => api.close());
  const url = await api.listen({ host: "127.0.0.1", port: 0 });
  const { key } = await orchestrator.keys.create({ name: "ada", role: "client", tenant: "acme" }, root);
  const client = createClient({ url, apiKey: key });
  async function muster(...argv: string[]) {
    const bytes: Uint8Array[] = [];
    const context = createFakeCliContext({
      env: { MUSTER_URL: url, MUSTER_API_KEY: key },
      createClient: async () => client,
      writeBytes: async (chunk) => void bytes.push(chunk),
    });
    const exitCode = await runCli(argv, context);
    const out = context.stdout.text() + Buffer.concat(bytes).toString();
    return { exitCode, out, err: context.stderr.text() };
  }
  const snapshot = (...argv: string[]) => muster("state", "snapshot", ...argv, "--project", "shop");
  return { client, snapshot, call: caller(api), as: { authorization: `Bearer ${key}` } };
}

test("snapshots are taken, shown, fetched, restored and removed on the command line", async () => {
  const { client, snapshot } = await serve();
  const shop = client.state.project("shop");
  await shop.put("plan", { n: 1 });
  const id = (await snapshot("create", "--label", "first")).out.trim();
  expect((await snapshot("list")).out).toMatch(new RegExp(`${id}.*1.*ada.*first`));
  expect((await snapshot("show", id)).out).toMatch(/label\s+first[\s\S]*documents\s+1/);
  expect(JSON.parse((await snapshot("get", id)).out)).toMatchObject({
    path: "plan",
    version: 1,
    content: { n: 1 },
  });
  await shop.put("plan", { n: 2 });
  const refused = await snapshot("restore", id);
  expect(refused).toMatchObject({ exitCode: 1, err: expect.stringContaining("plan (1 → 2)") });
  expect((await snapshot("restore", id, "--on-change", "replace", "--dry-run")).err).toContain(
    "would be: 1 replaced",
  );
  expect((await shop.get("plan"))?.content).toEqual({ n: 2 });
  const restored = await snapshot("restore", id, "--on-change", "replace");
  expect(restored).toMatchObject({
    exitCode: 0,
    out: "replaced plan from version 1 (version 2 was there)\n",
  });
  expect((await shop.get("plan"))?.content).toEqual({ n: 1 });
  const before = /in snapshot (\S+)/.exec(restored.err)?.[1] as string;
  expect((await snapshot("prune", "--keep", "1")).out).toBe(`removed ${id}\n`);
  expect((await snapshot("rm", before)).out).toBe(`removed ${before}\n`);
  expect((await snapshot("list")).err).toContain("no snapshot");
  expect((await snapshot("show", before)).exitCode).toBe(2);
});

test("over HTTP answers are as the document says, and bad requests are refused", async () => {
  const { call, as, client } = await serve();
  await client.state.project("shop").put("plan", 1);
  const above = "/v1/state-snapshots/shop";
  const made = await call({ method: "POST", url: above, as, body: { label: "x" } });
  expect(made).toMatchObject({ status: 201, json: { documents: 1 } });
  const one = `${above}/${made.json.id}`;
  expect((await call({ url: above, as })).json.items).toHaveLength(1);
  expect((await call({ url: one, as })).status).toBe(200);
  const restored = await call({ method: "POST", url: `${one}/restore`, as, body: {} });
  expect(restored.json).toMatchObject({ unchanged: 1 });
  expect((await call({ method: "POST", url: `${above}/prune`, as, body: { keep: 1 } })).status).toBe(200);
  const bad = [
    { method: "POST", url: above, body: { lable: "x" } },
    { method: "POST", url: `${one}/restore`, body: { onChanged: "overwrite" } },
    { method: "POST", url: `${above}/prune`, body: { keep: 0 } },
    { method: "GET", url: `${above}/x` },
    { method: "GET", url: "/v1/state-snapshots/..%2fx" },
  ] as const;
  for (const request of bad) expect((await call({ ...request, as })).status).toBe(400);
  expect((await call({ url: one })).status).toBe(401);
  expect((await call({ method: "DELETE", url: one, as })).json).toEqual({ id: made.json.id });
  expect((await call({ url: one, as })).status).toBe(404);
});

test("triggers are made, shown, paused and removed on the command line and over HTTP", async () => {
  const { client, call, as } = await serve();
  const body = { name: "mend", on: { types: ["task.failed"] }, task: { capability: "mend" } };
  expect((await call({ method: "POST", url: "/v1/triggers?dryRun=true", as, body })).status).toBe(201);
  expect((await call({ url: "/v1/triggers/mend", as })).status).toBe(404);
  expect((await call({ method: "POST", url: "/v1/triggers", as, body })).status).toBe(201);
  expect((await call({ method: "POST", url: "/v1/triggers", as, body })).status).toBe(409);
  const wrong = { ...body, name: "other", on: { types: ["x"] } };
  expect((await call({ method: "POST", url: "/v1/triggers", as, body: wrong })).status).toBe(400);
  expect((await call({ url: "/v1/triggers", as })).json).toMatchObject({ items: [{ name: "mend" }] });
  expect((await call({ method: "POST", url: "/v1/triggers/mend/pause", as, body: {} })).json).toMatchObject({
    status: "paused",
  });
  expect(await client.triggers.resume("mend")).toMatchObject({ status: "active" });
  // The work is done by what upkeep does itself: it starts within its next looks.
  await client.tasks.submit({ capability: "nobody", deadlineMs: 1_000 });
  await expect.poll(async () => (await client.triggers.get("mend")).started, { timeout: 15_000 }).toBe(1);
  expect((await client.tasks.list({ capability: "mend" })).items).toHaveLength(1);
  expect((await call({ method: "DELETE", url: "/v1/triggers/mend", as })).status).toBe(200);
});
