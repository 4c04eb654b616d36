import { beforeEach, describe, expect, it } from "vitest";
import { createSystemClock } from "../../adapters/clock/system-clock.ts";
import type { Lock, Locks } from "../../ports/locks.ts";
import { silentLog } from "../../test/orchestrate.ts";
import { createDuty } from "./duty.ts";

let now = 0;
const clock = { ...createSystemClock(), now: () => now };
/** Who has the one lock, and until when. */
let owner: Lock | null = null;
let away = false;
let calls = 0;

const isOver = (lock: Lock | null) => lock === null || lock.expiresAt <= now;
const reach = () => {
  calls += 1;
  if (away) throw new Error("away");
};
const locks: Locks = {
  async acquire(resource, ttlMs) {
    reach();
    if (!isOver(owner)) return null;
    owner = { resource, token: `${calls}`, fence: calls, expiresAt: now + ttlMs };
    return owner;
  },
  async renew(lock, ttlMs) {
    reach();
    if (isOver(owner) || owner?.token !== lock.token) return null;
    owner = { ...lock, expiresAt: now + ttlMs };
    return owner;
  },
  async release(lock) {
    reach();
    if (owner?.token === lock.token) owner = null;
    return true;
  },
  close: async () => {},
};
const duty = () => createDuty({ locks, clock, log: silentLog });

beforeEach(() => {
  now = 0;
  owner = null;
  away = false;
  calls = 0;
});

describe("the duty of upkeep", () => {
  it("is one node's, and stays with it while it looks in", async () => {
    const [a, b] = [duty(), duty()];
    for (now = 0; now < 20_000; now += 2_000) {
      expect([await a.isMine(), await b.isMine()]).toEqual([true, false]);
    }
  });

  it("is the other's when the first was silent for five seconds, and not the first's any more", async () => {
    const [a, b] = [duty(), duty()];
    await a.isMine();
    now = 4_999;
    expect(await b.isMine()).toBe(false);
    now = 5_000;
    expect([await b.isMine(), await a.isMine()]).toEqual([true, false]);
  });

  it("is free at once when it is given up", async () => {
    const [a, b] = [duty(), duty()];
    await a.isMine();
    await a.giveUp();
    expect(await b.isMine()).toBe(true);
  });

  it("is everybody's while nobody can tell whose it is", async () => {
    const [a, b] = [duty(), duty()];
    away = true;
    expect([await a.isMine(), await b.isMine()]).toEqual([true, true]);
    away = false;
    expect([await a.isMine(), await b.isMine()]).toEqual([true, false]);
  });

  it("costs no call while it is fresh, and none at all where there is one node", async () => {
    const a = duty();
    await a.isMine();
    now = 1_000;
    await a.isMine();
    expect(calls).toBe(1);
    expect(await createDuty({ clock, log: silentLog }).isMine()).toBe(true);
  });
});
