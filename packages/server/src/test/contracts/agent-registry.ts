import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AgentRecord, AgentRegistry } from "../../ports/agent-registry.ts";
import { agent, apply, type Change, histories, RegistryModel, start } from "./registry-model.ts";

/** Two nodes that share one registry, empty at the start. Where there is but one node, it may be given twice. */
export type MakeRegistry = () => [AgentRegistry, AgentRegistry] | Promise<[AgentRegistry, AgentRegistry]>;

const end = start + 30_000;

const slots = (agentId: string, ...taskIds: string[]) => taskIds.map((taskId) => ({ agentId, taskId }));
const idsOf = (records: readonly AgentRecord[]): string[] => records.map(({ id }) => id).sort();
const namesOf = (held: readonly { agentId: string; taskId: string }[]): string[] =>
  held.map(({ agentId, taskId }) => `${agentId} ${taskId}`).sort();

/** What every agent registry must do, whatever is behind it. */
export function describeAgentRegistryContract(name: string, makeAdapter: MakeRegistry): void {
  describe(`${name} as an agent registry`, () => {
    let node: AgentRegistry;
    let otherNode: AgentRegistry;

    beforeEach(async () => {
      [node, otherNode] = await makeAdapter();
    });
    afterEach(async () => {
      await node.close();
      await otherNode.close();
    });

    describe("who is there", () => {
      test("everybody sees an agent that was put", async () => {
        await node.put(agent("a"));
        expect(await otherNode.get("a")).toEqual(agent("a"));
        expect(await otherNode.list(start)).toEqual([agent("a")]);
        expect(await otherNode.get("b")).toBeUndefined();
      });

      test("a second put replaces what was known", async () => {
        await node.put(agent("a"));
        await otherNode.put(agent("a", { description: "Tests more.", capabilities: [], metadata: {} }));
        expect(await node.list(start)).toEqual([
          agent("a", { description: "Tests more.", capabilities: [], metadata: {} }),
        ]);
      });

      test("what the caller changes after a put changes nothing", async () => {
        const mine = agent("a");
        await node.put(mine);
        mine.description = "Changed.";
        mine.metadata.region = "us";
        mine.capabilities.push({ name: "more" });
        mine.outcomes.failures = 100;
        expect(await node.get("a")).toEqual(agent("a"));
      });

      test("a record that was handed out keeps what was true then", async () => {
        await node.put(agent("a"));
        const [got, [listed]] = [await node.get("a"), await node.list(start)];
        await node.reserve(slots("a", "t"), start);
        await node.heartbeat("a", start + 1, end + 1, "maintenance");
        await node.recordOutcome("a", { successes: 0, failures: 9, at: start });
        expect([got, listed]).toEqual([agent("a"), agent("a")]);
      });

      test("a listing belongs to who asked for it", async () => {
        await node.put(agent("a"));
        (await node.list(start)).length = 0;
        expect(idsOf(await node.list(start))).toEqual(["a"]);
      });

      test("outcomes are replaced, and those of nobody are dropped", async () => {
        await node.put(agent("a"));
        await otherNode.recordOutcome("a", { successes: 5, failures: 2, at: start + 9 });
        await otherNode.recordOutcome("gone", { successes: 5, failures: 2, at: start + 9 });
        expect((await node.get("a"))?.outcomes).toEqual({ successes: 5, failures: 2, at: start + 9 });
        expect(await node.get("gone")).toBeUndefined();
        expect(idsOf(await node.list(start))).toEqual(["a"]);
      });

      test("one of those who remove an agent gets it, with the load it had", async () => {
        await node.put(agent("a"));
        await node.reserve(slots("a", "t"), start);
        const got = await Promise.all([node.remove("a"), otherNode.remove("a")]);
        expect(got.filter((record) => record !== undefined)).toEqual([agent("a", { load: 1 })]);
        expect(await node.get("a")).toBeUndefined();
        expect(await node.list(start)).toEqual([]);
      });
    });

    describe("who lives", () => {
      test("an agent is listed until the moment it expires", async () => {
        await node.put(agent("a"));
        await node.put(agent("b", { expiresAt: end + 1 }));
        expect(idsOf(await node.list(end - 1))).toEqual(["a", "b"]);
        expect(idsOf(await node.list(end))).toEqual(["b"]);
        expect(idsOf(await node.list(end + 1))).toEqual([]);
      });

      test("a heartbeat prolongs a life and says how the agent is", async () => {
        await node.put(agent("a"));
        expect(await otherNode.heartbeat("a", start + 10, end + 10, "busy")).toBe(true);
        expect(await node.get("a")).toEqual(
          agent("a", { lastSeen: start + 10, expiresAt: end + 10, status: "busy" }),
        );
        expect(idsOf(await node.list(end + 9))).toEqual(["a"]);
      });

      test("a heartbeat of an agent that is not known says so and adds nothing", async () => {
        expect(await node.heartbeat("a", start, end, "available")).toBe(false);
        expect(await node.list(start)).toEqual([]);
      });

      test("a heartbeat that was overtaken shortens nothing", async () => {
        await node.put(agent("a"));
        await node.heartbeat("a", start + 20, end + 20, "available");
        await node.heartbeat("a", start + 10, end + 10, "available");
        expect(await node.get("a")).toMatchObject({ lastSeen: start + 20, expiresAt: end + 20 });
      });

      test("a heartbeat saves an agent that expired and was not taken yet", async () => {
        await node.put(agent("a"));
        expect(await node.list(end + 5)).toEqual([]);
        expect(await node.heartbeat("a", end + 5, end + 30, "available")).toBe(true);
        expect(idsOf(await node.list(end + 5))).toEqual(["a"]);
        expect(await node.takeExpired(end + 5)).toEqual([]);
      });

      test("each agent that expired is taken by exactly one caller", async () => {
        const many = Array.from({ length: 20 }, (_, index) => `a${index}`);
        for (const id of many) await node.put(agent(id));
        await node.put(agent("alive", { expiresAt: end + 1 }));
        const taken = await Promise.all([node, otherNode, node, otherNode].map((n) => n.takeExpired(end)));
        expect(idsOf(taken.flat())).toEqual([...many].sort());
        expect(idsOf(await node.list(start))).toEqual(["alive"]);
        expect(await node.get("a0")).toBeUndefined();
      });
    });

    describe("who is how busy", () => {
      test("slots are answered in order, and none is beyond the agent's max concurrency", async () => {
        await node.put(agent("a"));
        await node.put(agent("b", { maxConcurrency: 1 }));
        const asked = [
          ...slots("a", "1"),
          ...slots("b", "2", "3"),
          ...slots("none", "4"),
          ...slots("a", "5", "6"),
        ];
        expect(await node.reserve(asked, start)).toEqual([true, true, false, false, true, false]);
        expect((await otherNode.list(start)).map(({ id, load }) => [id, load]).sort()).toEqual([
          ["a", 2],
          ["b", 1],
        ]);
      });

      test("nodes that ask at once get no more slots than there are", async () => {
        await node.put(agent("a", { maxConcurrency: 10 }));
        const asked = Array.from({ length: 50 }, (_, index) =>
          (index % 2 ? node : otherNode).reserve(slots("a", `t${index}`), start),
        );
        expect((await Promise.all(asked)).flat().filter(Boolean)).toHaveLength(10);
        expect((await node.get("a"))?.load).toBe(10);
        expect(await node.reserved()).toHaveLength(10);
      });

      test("the same task on the same agent is one slot, however often it is reserved", async () => {
        await node.put(agent("a"));
        expect(await node.reserve(slots("a", "t", "t"), start)).toEqual([true, true]);
        expect(await otherNode.reserve(slots("a", "t"), start)).toEqual([true]);
        expect(await node.reserved()).toEqual(slots("a", "t"));
        expect(await node.reserve(slots("a", "u", "t", "v"), start)).toEqual([true, true, false]);
      });

      test("an agent that expired gets nothing", async () => {
        await node.put(agent("a"));
        expect(await node.reserve(slots("a", "t"), end)).toEqual([false]);
        expect(await node.reserved()).toEqual([]);
      });

      test("a slot that is released is free again, once", async () => {
        await node.put(agent("a"));
        await node.reserve(slots("a", "1", "2"), start);
        await otherNode.release([...slots("a", "1", "1", "never"), ...slots("none", "2")]);
        await otherNode.release(slots("a", "1"));
        expect((await node.get("a"))?.load).toBe(1);
        expect(await node.reserve(slots("a", "3", "4"), start)).toEqual([true, false]);
        expect(namesOf(await node.reserved())).toEqual(["a 2", "a 3"]);
      });

      test("a put keeps the slots, whatever load it names", async () => {
        await node.put(agent("a", { load: 7 }));
        expect((await node.get("a"))?.load).toBe(0);
        await node.reserve(slots("a", "1", "2"), start);
        await node.put(agent("a", { load: 0, maxConcurrency: 1 }));
        expect((await node.get("a"))?.load).toBe(2);
        await node.release(slots("a", "1"));
        expect(await node.reserve(slots("a", "3"), start)).toEqual([false]);
        await node.release(slots("a", "2"));
        expect(await node.reserve(slots("a", "3"), start)).toEqual([true]);
      });

      test("the slots of an agent go with it", async () => {
        await node.put(agent("a"));
        await node.put(agent("b"));
        await node.reserve([...slots("a", "1", "2"), ...slots("b", "3")], start);
        await node.remove("a");
        await node.takeExpired(end);
        expect(await node.reserved()).toEqual([]);
        await node.put(agent("a"));
        await node.release(slots("a", "1"));
        expect((await node.get("a"))?.load).toBe(0);
        expect(await node.reserve(slots("a", "4", "5", "6"), start)).toEqual([true, true, false]);
      });
    });

    describe("for any history", () => {
      test("one caller sees what a simple model says", async () => {
        await fc.assert(
          fc.asyncProperty(histories, async (history) => {
            const nodes = await makeAdapter();
            const [real] = nodes;
            const model = new RegistryModel();
            for (const change of history) {
              const [got, expected] = [await apply(change, real), apply(change, model)];
              expect(inAnyOrder(got)).toEqual(inAnyOrder(expected));
              const now = "now" in change ? change.now : start;
              expect(inAnyOrder(await real.list(now))).toEqual(inAnyOrder(model.list(now)));
              expect(namesOf(await real.reserved())).toEqual(namesOf(model.reserved()));
            }
            for (const each of nodes) await each.close();
          }),
          { numRuns: 150 },
        );
      });

      test("callers at once never overbook, and the load is the slots", async () => {
        await fc.assert(
          fc.asyncProperty(histories, async (history) => {
            const nodes = await makeAdapter();
            const answers = await Promise.all(
              history.map((change, index) => apply(change, nodes[index % 2]!)),
            );
            const held = await nodes[0].reserved();
            expect(new Set(namesOf(held)).size).toBe(held.length);
            expect(grantedIn(history, answers)).toEqual(expect.arrayContaining(namesOf(held)));
            // Nobody expires before the start: this is everybody.
            for (const { id, load } of await nodes[1].list(start - 1)) {
              expect(load).toBe(held.filter((slot) => slot.agentId === id).length);
              expect(load).toBeLessThanOrEqual(mostConcurrencyOf(id, history));
            }
            for (const each of nodes) await each.close();
          }),
          { numRuns: 150 },
        );
      });
    });
  });
}

/** Listings have no order, and answers about slots do. */
const inAnyOrder = (answer: unknown): unknown =>
  Array.isArray(answer) && typeof answer[0] === "object"
    ? [...(answer as AgentRecord[])].sort((a, b) => (a.id < b.id ? -1 : 1))
    : answer;

/** Every slot that was granted at some time. */
const grantedIn = (history: readonly Change[], answers: readonly unknown[]): string[] =>
  history.flatMap((change, index) =>
    change.kind === "reserve"
      ? namesOf(change.slots.filter((_, at) => (answers[index] as boolean[])[at]))
      : [],
  );

const mostConcurrencyOf = (agentId: string, history: readonly Change[]): number =>
  Math.max(
    ...history.map((change) =>
      change.kind === "put" && change.record.id === agentId ? change.record.maxConcurrency : 0,
    ),
  );
