import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AgentRecord } from "../../ports/agent-registry.ts";
import type { MakeRegistry } from "./agent-registry.ts";
import { apply, type Change, histories, RegistryModel, start } from "./registry-model.ts";

const slots = (agentId: string, ...taskIds: string[]) => taskIds.map((taskId) => ({ agentId, taskId }));
const namesOf = (held: readonly { agentId: string; taskId: string }[]): string[] =>
  held.map(({ agentId, taskId }) => `${agentId} ${taskId}`).sort();

/** The part of the registry's contract that is said of histories that nobody thought of. */
export function describeAnyHistory(makeAdapter: MakeRegistry): void {
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
          const answers = await Promise.all(history.map((change, index) => apply(change, nodes[index % 2]!)));
          // Who asks the registry itself sees at least what was true then.
          const held = await nodes[1].reserved();
          expect(new Set(namesOf(held)).size).toBe(held.length);
          const given = [...grantedIn(history, answers), ...restoredIn(history)];
          expect(given).toEqual(expect.arrayContaining(namesOf(held)));
          // Nobody expires before the start: this is everybody.
          for (const { id, load } of await nodes[1].list(start - 1)) {
            expect(load).toBe(held.filter((slot) => slot.agentId === id).length);
            const restored = restoredIn(history).filter((name) => name.startsWith(`${id} `)).length;
            expect(load).toBeLessThanOrEqual(mostConcurrencyOf(id, history) + restored);
          }
          for (const each of nodes) await each.close();
        }),
        { numRuns: 150 },
      );
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

/** Every slot that was taken without asking. */
const restoredIn = (history: readonly Change[]): string[] => [
  ...new Set(
    history.flatMap((change) => {
      if (change.kind === "restore") return namesOf(change.slots);
      if (change.kind === "swap") return namesOf(change.swaps);
      return change.kind === "put" ? namesOf(slots(change.record.id, ...change.held)) : [];
    }),
  ),
];

const mostConcurrencyOf = (agentId: string, history: readonly Change[]): number =>
  Math.max(
    ...history.map((change) =>
      change.kind === "put" && change.record.id === agentId ? change.record.maxConcurrency : 0,
    ),
  );
