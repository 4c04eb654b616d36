import { describe, expect, test } from "vitest";
import { errorOf, request, useModels } from "../test/route-models.ts";
import { createSkippingClock } from "../test/skipping-clock.ts";

const world = await useModels();
const { anthropic, asked, google, local, openai, play, records, route, server } = world;

describe("where one can't, another does", () => {
  const both = { providers: [anthropic, openai] };

  test.each([
    ["its limit", { status: 429, retryAfterSeconds: 9 }, "rate_limited"],
    ["overload", { status: 529 }, "overloaded"],
    ["a failure", { status: 500 }, "provider_unavailable"],
    ["a wrong key", { status: 401 }, "unauthenticated"],
    ["an empty account", { status: 400, message: "Your credit balance is too low" }, "no_credit"],
    ["an unknown model", { status: 404 }, "unknown_model"],
    ["a connection that is cut", { silent: "cut" }, "provider_unavailable"],
  ] as const)("for %s", async (_why, reply, outcome) => {
    play({ anthropic: [reply], openai: [{ text: "Here." }] });
    const turn = await (await route(both)).generate(request());
    expect(turn).toMatchObject({ text: "Here.", provider: "openai", model: "gpt-6-sol" });
    expect(records.map((record) => record.outcome)).toEqual([outcome, "answered"]);
    expect(world.clock.skippedMs).toBe(0);
  });

  test("for silence, before an answer and within", async () => {
    const timeouts = { firstMs: 150, idleMs: 150 };
    world.clock = createSkippingClock(0);
    play({
      anthropic: [{ silent: "hang" }],
      local: [{ text: "abc", broken: { afterEvents: 2, how: "hang" } }],
    });
    const router = await route({
      providers: [{ ...anthropic, timeouts }, { ...local, timeouts }, openai],
      aliases: { any: { models: ["anthropic/claude-x", "local/llama", "openai/gpt-x"] } },
    });
    server.play([
      { when: { provider: "anthropic" }, turns: [{ silent: "hang" }] },
      { when: { provider: "local" }, turns: [{ text: "abc", broken: { afterEvents: 2, how: "hang" } }] },
      { when: { provider: "openai" }, turns: [{ text: "Here." }] },
    ]);
    expect((await router.generate(request({ model: "any" }))).text).toBe("Here.");
    expect(records.map(({ outcome }) => outcome)).toEqual([
      "provider_timeout",
      "provider_timeout",
      "answered",
    ]);
  });

  test("but not for a request that is wrong: that is not paid for elsewhere", async () => {
    play({ anthropic: [{ status: 400, message: "tools.0: no" }], openai: [{ text: "Here." }] });
    const error = await errorOf((await route(both)).generate(request()));
    expect(error).toMatchObject({ code: "invalid_request", retryable: false });
    expect(error.message).toContain("tools.0: no");
    expect(asked()).toEqual(["anthropic/claude-sonnet-5"]);
  });

  test("and whoever said when to come back is left alone until then", async () => {
    play({
      anthropic: [{ status: 429, retryAfterSeconds: 60 }, { text: "Back." }],
      openai: [{ text: "Here." }],
    });
    const router = await route(both);
    for (let turns = 0; turns < 2; turns++) expect((await router.generate(request())).text).toBe("Here.");
    world.clock.pass(60_001);
    expect((await router.generate(request())).text).toBe("Back.");
    expect(asked().filter((name) => name.startsWith("anthropic"))).toHaveLength(2);
  });
});

test.each([
  ["seconds", anthropic, { status: 429, retryAfterSeconds: 7 }],
  ["milliseconds", anthropic, { status: 429, headers: { "retry-after-ms": "7000" } }],
  ["the body", google, { status: 429, retryAfterSeconds: 7 }],
] as const)("alone, it comes back when the provider said so, in %s", async (_how, settings, reply) => {
  play({ [settings.name]: [reply, { text: "Now." }] });
  const turn = await (await route({ providers: [settings] })).generate(request());
  expect(turn.text).toBe("Now.");
  expect(world.clock.skippedMs).toBeGreaterThanOrEqual(7_000);
  expect(world.clock.skippedMs).toBeLessThan(10_000);
});

test("nobody waits for longer than is allowed: the error says when to come back, for a time that is a row", async () => {
  play({ anthropic: [{ status: 429, retryAfterSeconds: 120 }] });
  const error = await errorOf((await route({ providers: [anthropic] })).generate(request()));
  expect(error).toMatchObject({ code: "rate_limited", retryable: true });
  expect(error.retryAfterMs).toBeGreaterThan(110_000);
  expect(server.requests).toHaveLength(1);
});

test("tries are few, and with each the wait is longer", async () => {
  play({ anthropic: [{ status: 500 }] });
  const error = await errorOf((await route({ providers: [anthropic] })).generate(request()));
  expect(error).toMatchObject({ code: "provider_unavailable", retryable: true });
  expect(server.requests).toHaveLength(3);
});

test("a provider that fails again and again is left alone by all, and tried when it has cooled down", async () => {
  play({ anthropic: [{ status: 500 }] });
  const router = await route({ providers: [anthropic] }, { longestWaitMs: 5_000 });
  const errors = [];
  for (let turns = 0; turns < 3; turns++) errors.push(await errorOf(router.generate(request())));
  expect(server.requests).toHaveLength(5);
  expect(errors[2]).toMatchObject({ code: "provider_unavailable", retryable: true });
  expect(errors[2]?.retryAfterMs).toBeGreaterThan(8_000);
  expect((await router.diagnose()).providers[0]).toMatchObject({ state: "resting" });
  play({ anthropic: [{ text: "Well again." }] });
  world.clock.pass(10_001);
  expect((await router.generate(request())).text).toBe("Well again.");
  expect((await router.diagnose()).providers[0]).toMatchObject({ state: "ready" });
});

test("what failed of late comes last, for a while", async () => {
  play({ anthropic: [{ status: 500 }, { status: 500 }, { text: "A" }], openai: [{ text: "O" }] });
  const router = await route({ providers: [anthropic, openai] });
  for (let turns = 0; turns < 4; turns++) expect((await router.generate(request())).text).toBe("O");
  expect(asked().filter((name) => name.startsWith("anthropic"))).toHaveLength(2);
  world.clock.pass(30_001);
  expect((await router.generate(request())).text).toBe("A");
});

test("limits per minute hold, and those who wait are served in turn", async () => {
  play({ anthropic: [{ text: "Yes." }] });
  const router = await route(
    { providers: [{ ...anthropic, requestsPerMinute: 6 }] },
    { longestWaitMs: 25_000 },
  );
  const startedAt = world.clock.now();
  for (let turns = 0; turns < 9; turns++) await router.generate(request());
  expect(world.clock.now() - startedAt).toBeGreaterThanOrEqual(30_000);
  await expect(router.generate(request(), { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: "cancelled",
  });
});

test("what is limited goes elsewhere first", async () => {
  play({ anthropic: [{ text: "A" }], openai: [{ text: "O" }] });
  const router = await route({ providers: [{ ...anthropic, tokensPerMinute: 600 }, openai] });
  const texts = [];
  for (let turns = 0; turns < 3; turns++) texts.push((await router.generate(request())).text);
  expect(texts).toEqual(["A", "O", "O"]);
});

test("a call that is called off ends at once, and nothing is tried elsewhere", async () => {
  play({ anthropic: [{ silent: "hang" }], openai: [{ text: "Here." }] });
  const router = await route({ providers: [anthropic, openai] });
  const controller = new AbortController();
  const error = errorOf(router.generate(request(), { signal: controller.signal }));
  await expect.poll(() => server.requests.length).toBe(1);
  controller.abort(new Error("enough"));
  expect(await error).toMatchObject({ code: "cancelled", retryable: false });
  expect(server.requests).toHaveLength(1);
});

test("what the caller throws is the caller's, and no provider is blamed", async () => {
  play({ anthropic: [{ text: "Yes." }], openai: [{ text: "Here." }] });
  const router = await route({ providers: [anthropic, openai] });
  const onText = () => {
    throw new RangeError("mine");
  };
  await expect(router.generate(request(), { onText })).rejects.toThrow(RangeError);
  expect(asked()).toEqual(["anthropic/claude-sonnet-5"]);
});
