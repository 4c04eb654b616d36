// biome-ignore-all lint: scratch
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createPgliteDatabase } from "./adapters/database/pglite/create-pglite-database.ts";
import { migrate } from "./migrations/migrate.ts";
import { readMigrations } from "./migrations/read-migrations.ts";
import { v7 } from "uuid";
import { createAgent } from "@muster/sdk";
import { createOrchestrator } from "./core/create-orchestrator.ts";
import { createInProcessTransport } from "./core/gateway/in-process-transport.ts";
export const stats: any = {};
export async function harness(settings = {}, verbose = true) {
  const schema = "x";
  const db0 = await createPgliteDatabase({ dataDir: process.env.MEM ? null : `/tmp/core/data-${Date.now()}` });
  await migrate(db0, await readMigrations());
  const pool: any = null;
  const wrap = (c: any) => ({ query: async (s: any, p: any = []) => { const t0 = performance.now(); try { return await c.query(s, p); } catch (e: any) { if (verbose) console.log("SQL", s.name, e.message, e.detail ?? ""); throw e; } finally { const st = (stats[s.name] ??= { n: 0, ms: 0 }); st.n++; st.ms += performance.now() - t0; } } });
  const database: any = { ...wrap(db0), transaction: (work: any) => db0.transaction((tx) => work(wrap(tx))), maintain: () => db0.maintain(), close: () => db0.close() };
  const clock: any = { now: () => Date.now(), setTimer(ms: number, f: any) { const t = setTimeout(f, ms); t.unref(); return { cancel: () => clearTimeout(t) }; } };
  const subs = new Map<string, any>(), lis = new Map<string, any>();
  const bus: any = { async send(m: any) { setImmediate(() => subs.get(m.to)?.(m)); }, async broadcast(m: any) { for (const [id, h] of subs) if (id !== m.from) setImmediate(() => h(m)); }, async respond(m: any) { setImmediate(() => lis.get(m.to)?.(m)); }, async subscribe(id: string, h: any) { subs.set(id, h); return { async end() { if (subs.get(id) === h) subs.delete(id); } }; }, async listen(id: string, h: any) { lis.set(id, h); return { async end() { if (lis.get(id) === h) lis.delete(id); } }; }, async close() {} };
  const agents = new Map<string, any>(), slots = new Map<string, Set<string>>();
  const registry: any = { async put(r: any) { const s = slots.get(r.id) ?? new Set(); slots.set(r.id, s); agents.set(r.id, { ...r, load: s.size }); }, async heartbeat(id: string, at: number, ex: number, st: any) { const a = agents.get(id); if (!a) return false; a.lastSeen = at; a.expiresAt = ex; a.status = st; return true; }, async recordOutcome(id: string, o: any) { const a = agents.get(id); if (a) a.outcomes = o; }, async remove(id: string) { const a = agents.get(id); agents.delete(id); slots.delete(id); return a; }, async get(id: string) { return agents.get(id); }, async list(now: number) { return [...agents.values()].filter((a) => a.expiresAt > now); }, async takeExpired(now: number) { const x = [...agents.values()].filter((a) => a.expiresAt <= now); for (const a of x) { agents.delete(a.id); slots.delete(a.id); } return x; }, async reserve(ss: any[]) { return ss.map(({ agentId, taskId }) => { const a = agents.get(agentId); const s = slots.get(agentId); if (!a || !s) return false; if (s.has(taskId)) return true; if (s.size >= a.maxConcurrency) return false; s.add(taskId); a.load = s.size; return true; }); }, async release(ss: any[]) { for (const { agentId, taskId } of ss) { const s = slots.get(agentId); s?.delete(taskId); const a = agents.get(agentId); if (a && s) a.load = s.size; } }, async reserved() { return [...slots].flatMap(([agentId, s]) => [...s].map((taskId) => ({ agentId, taskId }))); }, async close() {} };
  const log: any = { debug() {}, info() {}, warn: (f: any, s: string) => console.log("WARN", s, f.error?.message ?? f), error: (f: any, s: string) => console.log("ERROR", s, f.error ?? f) };
  const ids: any = { next: () => v7(), secret: () => randomBytes(32).toString("base64url"), fingerprint: (s: string) => createHash("sha256").update(s).digest("hex") };
  const o = createOrchestrator({ database, bus, registry, clock, random: { next: Math.random }, ids, log }, settings);
  await o.start();
  const principal: any = { tenant: "*", role: "admin", name: "test" };
  const client: any = { tenant: "default", role: "client", name: "test" };
  return { o, database, principal, client, pool, schema, async agent(def: any) { const a = createAgent(def); await a.start({ transport: createInProcessTransport(o.gateway, principal) }); return a; }, async close() { await o.stop(1000); await database.close(); } };
}
