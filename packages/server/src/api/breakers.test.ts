import { expect, test } from "vitest";
import { caller } from "../test/call-api.ts";
import { asAgent, asClient, asRoot, startFake } from "../test/serve-fake.ts";

async function start() {
  const { api } = await startFake();
  const call = caller(api);
  await call({
    method: "POST",
    url: "/v1/agents",
    as: asAgent,
    body: { id: "a1", name: "one", capabilities: [] },
  });
  const open = (body: unknown, as = asRoot) =>
    call({ method: "POST", url: "/v1/breakers/a1/open", as, body });
  return { call, open };
}

test("a breaker is opened and closed by hand, and says by whom and why", async () => {
  const { call, open } = await start();
  const opened = await open({ reason: "bad answers", forMs: 1_000 });
  expect(opened).toMatchObject({ status: 200, json: { state: "open", by: "root", reason: "bad answers" } });
  expect((await call({ url: "/v1/breakers?state=open", as: asClient })).json.items).toHaveLength(1);
  expect((await call({ url: "/v1/breakers/a1", as: asClient })).json).toMatchObject({ agent: "one" });
  const closed = await call({ method: "POST", url: "/v1/breakers/a1/close", as: asRoot, body: {} });
  expect(closed.json).toMatchObject({ state: "closed", by: "root", reason: null });
});

test("only an admin moves one", async () => {
  const { open } = await start();
  for (const as of [asClient, asAgent])
    expect(await open({ reason: "x" }, as)).toMatchObject({ status: 403, json: { code: "forbidden" } });
});

test.each([
  [{}, "reason"],
  [{ reason: "" }, "reason"],
  [{ reason: "  " }, "reason"],
  [{ reason: "x".repeat(501) }, "reason"],
  [{ reason: "x", forMs: 0 }, "forMs"],
  [{ reason: "x", forMs: 1e12 }, "forMs"],
  [{ reason: "x", until: 1 }, "until"],
])("refuses to open with %j", async (body, where) => {
  const { open } = await start();
  const { status, json } = await open(body);
  expect(status).toBe(400);
  expect(JSON.stringify(json)).toContain(where);
});
