import { randomUUID } from "node:crypto";
import { type Lock, MusterError } from "@muster/sdk/protocol";
import type { LockHands, LockService } from "../core/orchestrator.ts";

/** Locks in memory, without a line: whoever comes second does not get it. */
export function createFakeLocks(): LockService {
  const held = new Map<string, { lock: Lock; token: string }>();
  const notFound = (name: string) => new MusterError("not_found", `There is no lock ${name}.`);
  let fence = 0;

  const handsOf = (tenant: string, holder: string): LockHands => ({
    async acquire({ name, token = randomUUID(), ttlMs = 30_000 }) {
      const known = held.get(name);
      if (known !== undefined && known.token !== token) return { grant: null, position: null };
      const [acquiredAt, expiresAt] = [0, ttlMs].map((ms) => new Date(Date.now() + ms).toISOString());
      fence += 1;
      const times = { acquiredAt: acquiredAt as string, expiresAt: expiresAt as string };
      held.set(name, { token, lock: { name, tenant, fence, holder, taskId: null, ...times, waiting: 0 } });
      return { grant: { name, token, fence, expiresAt: times.expiresAt }, position: null };
    },
    async renew({ name, token }) {
      const known = held.get(name);
      if (known?.token !== token) throw new MusterError("lock_lost", `The lock ${name} is lost.`);
      return { name, token, fence: known.lock.fence, expiresAt: known.lock.expiresAt as string };
    },
    async release({ name, token }) {
      return { released: held.get(name)?.token === token && held.delete(name) };
    },
  });

  return {
    of: ({ tenant, name }) => handsOf(tenant, name),
    under: (_, holder) => handsOf("default", holder),
    list: async () => ({ items: [...held.values()].map(({ lock }) => lock), next: null }),
    async get(name) {
      const known = held.get(name);
      if (known === undefined) throw notFound(name);
      return { ...known.lock, line: [] };
    },
    async forceRelease(name) {
      if (!held.has(name)) throw notFound(name);
      return { released: held.delete(name) };
    },
  };
}
