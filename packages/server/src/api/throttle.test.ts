import { describe, expect, test } from "vitest";
import { keys } from "../test/fake-orchestrator.ts";
import { asClient, bearer, localKey, startFake } from "../test/serve-fake.ts";

const get = { method: "GET", url: "/v1/info" } as const;

describe("rate limits", () => {
  test("count the requests of each key for itself", async () => {
    const { api } = await startFake({ rateLimits: { requestsPerKey: 2 } });
    const status = async (headers: { authorization: string }) =>
      (await api.inject({ ...get, headers })).statusCode;
    expect([await status(asClient), await status(asClient), await status(asClient)]).toEqual([200, 200, 429]);
    expect(await status(bearer(keys.otherClient))).toBe(200);
    const refused = await api.inject({ ...get, headers: asClient });
    expect(refused.json()).toMatchObject({ code: "rate_limited", retryable: true, status: 429 });
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
  });

  test("stop guessing from one address, and let good keys through", async () => {
    const { api, fake } = await startFake({ rateLimits: { failuresPerAddress: 3 } });
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
});
