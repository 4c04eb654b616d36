import { describe, expect, test } from "vitest";
import { createSystemClock } from "../adapters/clock/system-clock.ts";
import { createInMemoryRateLimits } from "../adapters/rate-limits/in-memory/create-in-memory-rate-limits.ts";
import { keys } from "../test/fake-orchestrator.ts";
import { asClient, bearer, localKey, startFake } from "../test/serve-fake.ts";

const get = { method: "GET", url: "/v1/info" } as const;

describe("rate limits", () => {
  test("count the requests of each key for itself", async () => {
    const { api } = await startFake({ requestLimits: { requestsPerKey: 2 } });
    const status = async (headers: { authorization: string }) =>
      (await api.inject({ ...get, headers })).statusCode;
    expect([await status(asClient), await status(asClient), await status(asClient)]).toEqual([200, 200, 429]);
    expect(await status(bearer(keys.otherClient))).toBe(200);
    const refused = await api.inject({ ...get, headers: asClient });
    expect(refused.json()).toMatchObject({ code: "rate_limited", retryable: true, status: 429 });
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
  });

  test("stop guessing from one address, and let good keys through", async () => {
    const { api, fake } = await startFake({ requestLimits: { failuresPerAddress: 3 } });
    const status = async (token: string) => (await api.inject({ ...get, headers: bearer(token) })).statusCode;
    expect(await status(keys.client)).toBe(200);
    for (const guess of ["a", "b", "c"]) expect(await status(guess)).toBe(401);
    expect(await status("d")).toBe(429);
    expect(await status(keys.client)).toBe(200);
    expect(await status(localKey)).toBe(200);
    fake.revoke(keys.client);
    expect(await status(keys.client)).toBe(401);
    expect(await status(keys.client)).toBe(429);
  });

  test("count the requests at every node that shares them", async () => {
    const rateLimits = createInMemoryRateLimits({ clock: createSystemClock() });
    const nodes = [0, 1].map(() => startFake({ rateLimits, requestLimits: { requestsPerKey: 2 } }));
    const answers = [];
    for (const node of [...nodes, ...nodes]) {
      answers.push((await (await node).api.inject({ ...get, headers: asClient })).statusCode);
    }
    expect(answers).toEqual([200, 200, 429, 429]);
  });
});
