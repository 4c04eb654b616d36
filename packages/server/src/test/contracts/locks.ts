import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Lock, Locks } from "../../ports/locks.ts";

/** Two nodes that share their locks. Where there is but one node, it may be given twice. */
export type MakeLocks = () => [Locks, Locks] | Promise<[Locks, Locks]>;

const minute = 60_000;

/** What all locks must do, whoever keeps them. */
export function describeLocksContract(name: string, makeAdapter: MakeLocks): void {
  describe(`${name} as locks`, () => {
    let node: Locks;
    let otherNode: Locks;

    beforeEach(async () => {
      order = [];
      [node, otherNode] = await makeAdapter();
    });
    afterEach(async () => {
      await node.close();
      await otherNode.close();
    });

    /** Who got the lock, in order. */
    let order: string[];

    /** Begins to wait; resolves once it stands in the queue. */
    async function arrive(locks: Locks, label: string, waitMs = minute, signal?: AbortSignal) {
      const lock = locks.acquire("r", minute, waitMs, signal).then((granted) => {
        if (granted !== null) order.push(label);
        return granted as Lock;
      });
      // One node is answered in the order in which it asks.
      await locks.acquire(`beside ${label}`, minute);
      return { lock };
    }

    test("are held by one at a time, resource by resource", async () => {
      const lock = await node.acquire("r", minute);
      expect(lock).toMatchObject({ resource: "r" });
      expect(lock!.expiresAt - Date.now()).toBeGreaterThan(minute - 5_000);
      expect(lock!.expiresAt - Date.now()).toBeLessThanOrEqual(minute + 1_000);
      expect(await otherNode.acquire("r", minute)).toBeNull();
      expect(await node.acquire("r", minute)).toBeNull();
      expect(await otherNode.acquire("s", minute)).not.toBeNull();
      expect(await node.release(lock!)).toBe(true);
      expect(await node.release(lock!)).toBe(false);
      expect(await otherNode.acquire("r", minute)).not.toBeNull();
    });

    test("give every grant a greater fence", async () => {
      let last = 0;
      for (const each of [node, otherNode, node, otherNode]) {
        const lock = (await each.acquire("r", minute)) as Lock;
        expect(lock.fence).toBeGreaterThan(last);
        expect(Number.isSafeInteger(lock.fence)).toBe(true);
        last = lock.fence;
        await each.release(lock);
      }
    });

    test("end by themselves, and then belong to others: the late holder can neither renew nor release", async () => {
      const late = (await node.acquire("r", 50)) as Lock;
      const next = (await otherNode.acquire("r", minute, minute)) as Lock;
      expect(next.fence).toBeGreaterThan(late.fence);
      expect(await node.renew(late, minute)).toBeNull();
      expect(await node.release(late)).toBe(false);
      expect(await otherNode.renew(next, minute)).not.toBeNull();
    });

    test("are prolonged by renewing, under the same fence", async () => {
      const lock = (await node.acquire("r", 300)) as Lock;
      const renewed = (await node.renew(lock, minute)) as Lock;
      expect(renewed).toMatchObject({ token: lock.token, fence: lock.fence });
      expect(renewed.expiresAt).toBeGreaterThan(lock.expiresAt);
      expect(await otherNode.acquire("r", minute, 600)).toBeNull();
      expect(await otherNode.release(renewed)).toBe(true);
      expect(await node.renew(renewed, minute)).toBeNull();
    });

    test("are given in the order of arrival", async () => {
      const held = (await node.acquire("r", minute)) as Lock;
      const waiters = [];
      for (const [label, each] of Object.entries({ first: otherNode, second: node, third: otherNode })) {
        waiters.push(await arrive(each, label));
      }
      expect(order).toEqual([]);
      await node.release(held);
      for (const { lock } of waiters) await node.release(await lock);
      expect(order).toEqual(["first", "second", "third"]);
    });

    test("pass over those who gave up", async () => {
      const held = (await node.acquire("r", minute)) as Lock;
      const stop = new AbortController();
      const impatient = await arrive(otherNode, "impatient", 50);
      const aborted = await arrive(node, "aborted", minute, stop.signal);
      const last = await arrive(otherNode, "last");
      stop.abort();
      expect(await aborted.lock).toBeNull();
      expect(await impatient.lock).toBeNull();
      expect(await otherNode.acquire("r", minute, minute, stop.signal)).toBeNull();
      await node.release(held);
      await last.lock;
      expect(order).toEqual(["last"]);
    });

    test("are never held by two, however many want them", async () => {
      let inside = 0;
      let most = 0;
      const visits = Array.from({ length: 30 }, async (_, index) => {
        const each = index % 2 ? node : otherNode;
        const lock = (await each.acquire("r", minute, minute)) as Lock;
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        await each.release(lock);
        return lock.fence;
      });
      const fences = await Promise.all(visits);
      expect(most).toBe(1);
      expect(new Set(fences).size).toBe(30);
    });

    test("refuse who would be one too many to wait", async () => {
      await node.acquire("r", minute);
      const stop = new AbortController();
      const waiting = Array.from({ length: 1_000 }, () => node.acquire("r", minute, minute, stop.signal));
      await expect(node.acquire("r", minute, minute)).rejects.toMatchObject({ code: "limit_exceeded" });
      stop.abort();
      expect((await Promise.all(waiting)).filter((lock) => lock !== null)).toEqual([]);
    });
  });
}
