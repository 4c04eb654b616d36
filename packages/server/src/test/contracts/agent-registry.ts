import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AgentRecord, AgentRegistry } from "../../ports/agent-registry.ts";
import { describeAnyHistory } from "./registry-histories.ts";
import { agent, start } from "./registry-model.ts";

/** Two nodes that share one registry, empty at the start. Where there is but one node, it may be given twice. */
export type MakeRegistry = () => [AgentRegistry, AgentRegistry] | Promise<[AgentRegistry, AgentRegistry]>;

const end = start + 30_000;

const slots = (agentId: string, ...taskIds: string[]) => taskIds.map((taskId) => ({ agentId, taskId }));
const idsOf = (records: readonly AgentRecord[]): string[] => records.map(({ id }) => id).sort();
const namesOf = (held: readonly { agentId: string; taskId: string }[]): string[] =>
  held.map(({ agentId, taskId }) => `${agentId} ${taskId}`).sort();

/** A node sees its own changes at once, and those of others in a moment. */
const seenSoon = (read: () => Promise<unknown>, expected: unknown) =>
  expect.poll(read, { interval: 2 }).toEqual(expected);

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
        await seenSoon(() => otherNode.get("a"), agent("a"));
        expect(await otherNode.list(start)).toEqual([agent("a")]);
        expect(await otherNode.get("b")).toBeUndefined();
      });

      test("a second put replaces what was known", async () => {
        await node.put(agent("a"));
        await otherNode.put(agent("a", { description: "Tests more.", capabilities: [], metadata: {} }));
        await seenSoon(
          () => node.list(start),
          [agent("a", { description: "Tests more.", capabilities: [], metadata: {} })],
        );
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
        const outcomes = { successes: 5, failures: 2, at: start + 9 };
        await seenSoon(() => node.get("a"), agent("a", { outcomes }));
        expect(await node.get("gone")).toBeUndefined();
        expect(idsOf(await node.list(start))).toEqual(["a"]);
      });

      test("one of those who remove an agent gets it, with the load it had", async () => {
        await node.put(agent("a"));
        await node.reserve(slots("a", "t"), start);
        const got = await Promise.all([node.remove("a"), otherNode.remove("a")]);
        expect(got.filter((record) => record !== undefined)).toEqual([agent("a", { load: 1 })]);
        await seenSoon(() => node.get("a"), undefined);
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
        expect(await otherNode.heartbeat("a", start + 10, end + 10, "busy")).toBe("alive");
        await seenSoon(
          () => node.get("a"),
          agent("a", { lastSeen: start + 10, expiresAt: end + 10, status: "busy" }),
        );
        expect(idsOf(await node.list(end + 9))).toEqual(["a"]);
      });

      test("a heartbeat of an agent that is not known says so and adds nothing", async () => {
        expect(await node.heartbeat("a", start, end, "available")).toBe("unknown");
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
        expect(await node.heartbeat("a", end + 5, end + 30, "available")).toBe("alive");
        expect(idsOf(await node.list(end + 5))).toEqual(["a"]);
        expect(await node.takeExpired(end + 5)).toEqual([]);
      });

      test("each agent that expired is taken by exactly one caller", async () => {
        const many = Array.from({ length: 20 }, (_, index) => `a${index}`);
        for (const id of many) await node.put(agent(id));
        await node.put(agent("alive", { expiresAt: end + 1 }));
        const taken = await Promise.all([node, otherNode, node, otherNode].map((n) => n.takeExpired(end)));
        expect(idsOf(taken.flat())).toEqual([...many].sort());
        await seenSoon(async () => idsOf(await node.list(start)), ["alive"]);
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
        const loads = async () => (await otherNode.list(start)).map(({ id, load }) => `${id} ${load}`).sort();
        await seenSoon(loads, ["a 2", "b 1"]);
      });

      test("nodes that ask at once get no more slots than there are", async () => {
        await node.put(agent("a", { maxConcurrency: 10 }));
        const asked = Array.from({ length: 50 }, (_, index) =>
          (index % 2 ? node : otherNode).reserve(slots("a", `t${index}`), start),
        );
        expect((await Promise.all(asked)).flat().filter(Boolean)).toHaveLength(10);
        await seenSoon(async () => (await node.get("a"))?.load, 10);
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
        await seenSoon(async () => (await node.get("a"))?.load, 1);
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

      test("a slot passes from one task to the next of a full agent, and nobody gets in between", async () => {
        await node.put(agent("a", { maxConcurrency: 1 }));
        await node.reserve(slots("a", "1"), start);
        const [, stolen] = await Promise.all([
          node.swap([{ agentId: "a", taskId: "2", insteadOf: "1" }]),
          otherNode.reserve(slots("a", "3"), start),
        ]);
        expect(stolen).toEqual([false]);
        expect(await otherNode.reserved()).toEqual(slots("a", "2"));
        await seenSoon(async () => (await otherNode.get("a"))?.load, 1);
      });

      test("a task gets the slot of one that the registry does not know of, but none on an unknown agent", async () => {
        await node.put(agent("a"));
        await node.swap([
          { agentId: "a", taskId: "2", insteadOf: "1" },
          { agentId: "none", taskId: "3", insteadOf: "1" },
        ]);
        expect(await node.reserved()).toEqual(slots("a", "2"));
      });

      test("a put with tasks that the agent holds takes their slots, beyond its max concurrency if it must", async () => {
        await node.put(agent("a"), ["1", "2", "3"]);
        await seenSoon(async () => (await otherNode.get("a"))?.load, 3);
        expect(namesOf(await node.reserved())).toEqual(["a 1", "a 2", "a 3"]);
        await node.release(slots("a", "1"));
        expect(await node.reserve(slots("a", "4"), start)).toEqual([false]);
        await node.put(agent("a"), ["2", "5"]);
        expect(namesOf(await node.reserved())).toEqual(["a 2", "a 3", "a 5"]);
      });

      test("slots are restored beyond the max concurrency, and for nobody who is not known", async () => {
        await node.put(agent("a", { maxConcurrency: 1 }));
        await node.reserve(slots("a", "1"), start);
        await otherNode.restore([...slots("a", "1", "2"), ...slots("none", "3")]);
        expect(namesOf(await node.reserved())).toEqual(["a 1", "a 2"]);
        await seenSoon(async () => (await node.get("a"))?.load, 2);
        await node.release(slots("a", "1"));
        expect(await node.reserve(slots("a", "4"), start)).toEqual([false]);
        expect(await node.list(start)).toHaveLength(1);
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

    describeAnyHistory(makeAdapter);
  });
}
