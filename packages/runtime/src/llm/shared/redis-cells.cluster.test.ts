import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { hostClock } from "../../clock.ts";
import { describeCellsContract } from "../../test/shared-cells-contract.ts";
import { createRedisCells } from "./redis-cells.ts";

const url = process.env.MUSTER_TEST_REDIS_URL ?? "redis://127.0.0.1:6379";

describeCellsContract("Redis", async () => {
  const prefix = `test:${randomUUID()}:`;
  const open = () => createRedisCells({ url, prefix, clock: hostClock });
  return Promise.all([open(), open()]);
});

const put = (known: number | undefined) => ({ value: (known ?? 0) + 1, keepMs: 60_000, result: known ?? 0 });

test("while Redis is away a node counts alone, and says so once", async () => {
  const told: boolean[] = [];
  const onChange = (isThere: boolean) => void told.push(isThere);
  const cells = await createRedisCells({ url: "redis://127.0.0.1:1", clock: hostClock, onChange });
  expect(await cells.update("a", put)).toBe(0);
  expect(await cells.update("a", put)).toBe(1);
  expect(told).toEqual([false]);
  await cells.close();
});

test("what somebody else wrote into a cell does no harm", async () => {
  const { Redis } = await import("ioredis");
  const redis = new Redis(url);
  const prefix = `test:${randomUUID()}:`;
  await redis.set(`${prefix}{a}`, "no JSON", "PX", 60_000);
  const cells = await createRedisCells({ url, prefix, clock: hostClock });
  expect(await cells.update("a", put)).toBe(0);
  expect(await cells.update("a", put)).toBe(1);
  await cells.close();
  redis.disconnect();
});
