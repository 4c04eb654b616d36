import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { request, useModels } from "../test/route-models.ts";

const { anthropic, openai, play, route, asked } = await useModels();
const redis = process.env.MUSTER_TEST_REDIS_URL ?? "redis://127.0.0.1:6379";

test("processes that share a Redis share limits and breakers of a provider and key", async () => {
  // A key of its own, and so an account of its own.
  const environment = {
    ANTHROPIC_API_KEY: randomBytes(16).toString("hex"),
    OPENAI_API_KEY: "k",
    SHARED: redis,
  };
  const settings = { providers: [{ ...anthropic, requestsPerMinute: 3 }, openai], redisVariable: "SHARED" };
  const nodes = await Promise.all([route(settings, { environment }), route(settings, { environment })]);
  play({ anthropic: [{ text: "A" }], openai: [{ text: "O" }] });
  const texts = [];
  for (const node of [...nodes, ...nodes, ...nodes]) texts.push((await node.generate(request())).text);
  expect(texts).toEqual(["A", "A", "A", "O", "O", "O"]);

  const other = { ...environment, ANTHROPIC_API_KEY: randomBytes(16).toString("hex") };
  const failing = { providers: [anthropic], redisVariable: "SHARED" };
  play({ anthropic: [{ status: 500 }] });
  const pair = [
    await route(failing, { environment: other, longestWaitMs: 5_000 }),
    await route(failing, { environment: other, longestWaitMs: 5_000 }),
  ] as const;
  const before = asked().length;
  for (const node of [pair[0], pair[1], pair[0], pair[1]]) await node.generate(request()).catch(() => {});
  expect(asked().length - before).toBe(5);
  expect((await pair[1].diagnose()).providers[0]?.state).toBe("resting");
});
