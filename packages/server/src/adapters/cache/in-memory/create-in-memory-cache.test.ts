import { expect, test } from "vitest";
import { describeCacheContract } from "../../../test/contracts/cache.ts";
import { createSystemClock } from "../../clock/system-clock.ts";
import { createInMemoryCache } from "./create-in-memory-cache.ts";

describeCacheContract("the cache in memory", () => {
  const cache = createInMemoryCache({ clock: createSystemClock() });
  return [cache, cache];
});

test("the cache in memory forgets what was not used for longest when there is too much", async () => {
  const cache = createInMemoryCache({ clock: createSystemClock() });
  for (let key = 0; key < 10_000; key++) await cache.set(`k${key}`, key, 60_000);
  await cache.get("k0");
  await cache.set("one more", 1, 60_000);
  expect(await cache.get("k1")).toBeUndefined();
  expect(await cache.get("k0")).toBe(0);
});
