import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Aftermath } from "../../core/aftermath.ts";
import { agentJoined } from "../../core/queue/statements/agents.ts";
import { findBreaker } from "../../core/queue/statements/breakers.ts";
import { type CallOutcome, defaultBreakerPolicy } from "../../core/resilience/breaker.ts";
import { createBreakers } from "../../core/resilience/breakers.ts";
import type { Database } from "../../ports/database.ts";
import { freshDatabase, silentLog } from "../orchestrate.ts";

/** A busy machine takes its time. */
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 10_000 });

/** Another one each time: what was told of the last one may still be on its way. */
let agentId = "";
let database: Database;
let now = 1_000_000;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

/** Nodes on one database that hear of each other late, some signals never. */
function createNodes(count: number, policy = defaultBreakerPolicy) {
  const signals: (() => void)[] = [];
  const nodes = Array.from({ length: count }, (_, self) =>
    createBreakers({
      database,
      clock: { now: () => now, setTimer: () => ({ cancel() {} }) },
      log: silentLog,
      policy,
      announce: (aftermath) => announce(self, aftermath),
    }),
  );
  function announce(self: number, { breakers = [] }: Aftermath): void {
    nodes[self]?.take(breakers);
    for (const [other, node] of nodes.entries()) if (other !== self) signals.push(() => node.take(breakers));
  }
  /** What settling does with an outcome: a success of an agent that is as new is only remembered. */
  async function settle(self: number, outcome: CallOutcome): Promise<void> {
    const node = nodes[self] as (typeof nodes)[number];
    if (outcome.kind !== "success" || node.of(agentId) !== undefined) {
      const rows = await database.transaction(async (tx) => {
        const held = await node.hold(tx, [agentId], outcome.at);
        held.record(agentId, outcome);
        return held.save();
      });
      announce(self, { breakers: rows });
    }
    if (outcome.kind === "success") node.succeeded(agentId, outcome.at);
  }
  return { nodes, signals, settle };
}

async function join(): Promise<void> {
  agentId = randomUUID();
  const agent = { id: agentId, name: "one", tenant: "acme", description: "", capabilities: [] };
  await database.query(agentJoined, [JSON.stringify(agent), now]);
}
const readRow = async () => (await database.query(findBreaker, [agentId]))[0];

it("in a row is right whatever several nodes do at once and however late they hear of each other", async () => {
  const patient = { ...defaultBreakerPolicy, failures: 100, timeoutsInARow: 100 };
  const step = fc.record({
    node: fc.nat(2),
    kind: fc.constantFrom<CallOutcome["kind"]>("success", "failure", "failure", "timeout"),
    /** Signals that arrive before this. */
    heard: fc.nat(3),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 6 }),
      async (waves) => {
        await join();
        const { nodes, signals, settle } = createNodes(3, patient);
        const [failed, timedOut, succeeded]: [number[], number[], number[]] = [[], [], []];
        const listOf = { failure: failed, timeout: timedOut, success: succeeded };
        for (const wave of waves) {
          await Promise.all(
            wave.map(({ node, kind, heard }) => {
              for (const arrive of signals.splice(0, heard)) arrive();
              now += 1;
              if (kind !== "nothing") listOf[kind].push(now);
              return settle(node, { kind, at: now, call: randomUUID() });
            }),
          );
        }
        // In the end everybody looks, and tells what the others could not know.
        for (const arrive of signals.splice(0)) arrive();
        for (const node of nodes) await node.refresh();
        const last = Math.max(0, ...succeeded);
        const later = (times: number[]) => times.filter((time) => time > last);
        await soon(async () => {
          const memory = (await readRow())?.memory;
          return [memory?.failedAt ?? [], memory?.timedOutAt ?? []];
        }).toEqual([later(failed), later(timedOut)]);
      },
    ),
    { numRuns: 15 },
  );
});

it("of all nodes that ask at once, one may probe; and another, once the probe came to nothing", async () => {
  await join();
  const { nodes, signals, settle } = createNodes(3);
  for (let n = 0; n < 5; n++) await settle(0, { kind: "failure", at: now + n, call: randomUUID() });
  now += 4;
  const ask = async () => {
    const asked = await Promise.all(
      nodes.map((node) =>
        node.beginProbes(database, [{ agentId, taskId: randomUUID(), token: randomUUID() }]),
      ),
    );
    return asked.flat();
  };
  expect(await ask()).toEqual([]);
  now += defaultBreakerPolicy.coolDownMs - 1;
  await nodes[1]?.endCoolDowns(now);
  expect(await ask()).toEqual([]);
  now += 1;
  await Promise.all(nodes.map((node) => node.endCoolDowns(now)));
  const [probe, ...more] = await ask();
  expect(more).toEqual([]);
  expect(await ask()).toEqual([]);
  // There is no such lease, so the probe is lost.
  await nodes[2]?.dropLostProbes();
  const [second] = await ask();
  for (const arrive of signals.splice(0)) arrive();
  expect(second).toMatchObject({ agent_id: agentId, state: "half_open" });
  await settle(1, { kind: "failure", at: now, call: probe?.probe as string });
  expect(await readRow()).toMatchObject({ state: "half_open" });
  await settle(1, { kind: "success", at: now, call: second?.probe as string });
  expect(await readRow()).toMatchObject({ state: "closed", pristine: true });
});
