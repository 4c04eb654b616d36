import { limits } from "@muster/sdk/protocol";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MessageBus } from "../../ports/message-bus.ts";
import { describeSubscriptions } from "./bus-subscriptions.ts";
import { collector, gate, message, messages, quiet } from "./message-collector.ts";

/** Two nodes on one bus that carries nothing yet. Where there is but one node, it may be given twice. */
export type MakeBus = () => [MessageBus, MessageBus] | Promise<[MessageBus, MessageBus]>;

const middle = 5;
/** What every message bus must do while nothing breaks, whatever is behind it. */
export function describeMessageBusContract(name: string, makeAdapter: MakeBus): void {
  describe(`${name} as a message bus`, () => {
    let here: MessageBus;
    let there: MessageBus;

    beforeEach(async () => {
      [here, there] = await makeAdapter();
    });
    afterEach(async () => {
      await here.close();
      await there.close();
    });

    describe("to one agent", () => {
      test("a message arrives as it was sent, once, and at nobody else", async () => {
        const [agent, other] = [collector(), collector()];
        await there.subscribe("agent", agent.handler);
        await there.subscribe("other", other.handler);
        const sent = message("agent", { taskId: "t", trace: "00-1-2-01" });
        await here.send(sent, middle);
        await agent.has(1);
        await quiet(here, there);
        expect(agent.got).toEqual([sent]);
        expect(other.got).toEqual([]);
      });

      test("the handler runs after the sender went on", async () => {
        const agent = collector();
        await here.subscribe("agent", agent.handler);
        const sending = here.send(message("agent"), middle);
        expect(agent.got).toEqual([]);
        await sending;
        await agent.has(1);
      });

      test("a message to nobody is no error", async () => {
        await here.send(message("nobody"), middle);
        await here.respond(message("nobody"));
        await here.broadcast(message("*"));
      });

      test("a priority that is none is refused", async () => {
        await here.subscribe("agent", () => {});
        for (const priority of [0, 11, 2.5, Number.NaN]) {
          await expect(here.send(message("agent"), priority)).rejects.toThrow(/priority/);
        }
      });

      test("one message at a time is handled", async () => {
        const agent = gate();
        await there.subscribe("agent", agent.handler);
        for (const sent of messages("agent", 3)) await here.send(sent, middle);
        await agent.has(1);
        await quiet(here, there);
        expect(agent.got).toHaveLength(1);
        agent.open();
        await agent.has(3);
      });

      test("of those that wait, each arrives once, by priority and then in the order of sending", async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.integer({ min: 1, max: 10 }), { maxLength: 60 }),
            async (priorities) => {
              const agent = gate();
              const subscription = await there.subscribe("agent", agent.handler);
              await here.send(message("agent"), middle);
              await agent.has(1);
              const sent = priorities.map((priority) => ({ priority, message: message("agent") }));
              for (const each of sent) await here.send(each.message, each.priority);
              agent.open();
              await agent.has(1 + sent.length);
              await quiet(here, there);
              const expected = sent
                .toSorted((a, b) => b.priority - a.priority)
                .map((each) => each.message.id);
              expect(agent.ids().slice(1)).toEqual(expected);
              await subscription.end();
            },
          ),
          { numRuns: 60 },
        );
      });

      test("no message arrives twice when many send to many at once", async () => {
        const agents = Array.from({ length: 5 }, collector);
        for (const [index, { handler }] of agents.entries()) {
          await (index % 2 ? here : there).subscribe(`agent-${index}`, handler);
        }
        const sent = Array.from({ length: 500 }, (_, index) => message(`agent-${index % 5}`));
        await Promise.all(sent.map((each, index) => (index % 3 ? here : there).send(each, 1 + (index % 10))));
        for (const agent of agents) await agent.has(100);
        await quiet(here, there);
        expect(agents.flatMap((agent) => agent.ids()).sort()).toEqual(sent.map(({ id }) => id).sort());
      });
    });

    describe("when it is too much", () => {
      test("a sender hears `unavailable` when an agent's queue is full, and can send again later", async () => {
        const agent = gate();
        await there.subscribe("agent", agent.handler);
        await here.send(message("agent"), middle);
        await agent.has(1);
        const sent = messages("agent", limits.mailboxMessages + 50);
        const results = await Promise.allSettled(sent.map((each) => here.send(each, middle)));
        const refused = results.filter((result) => result.status === "rejected");
        expect(refused.length).toBeGreaterThan(0);
        expect(refused.length).toBeLessThanOrEqual(50);
        for (const { reason } of refused)
          expect(reason).toMatchObject({ code: "unavailable", retryable: true });
        expect(refused[0]!.reason.message).toContain("agent");
        agent.open();
        await agent.has(1 + sent.length - refused.length);
        await here.send(message("agent"), middle);
        await agent.has(2 + sent.length - refused.length);
      });

      test("a full queue keeps nobody else from getting theirs", async () => {
        const [stuck, well] = [gate(), collector()];
        await there.subscribe("stuck", stuck.handler);
        await there.subscribe("well", well.handler);
        await here.send(message("stuck"), middle);
        await stuck.has(1);
        await Promise.allSettled(
          messages("stuck", limits.mailboxMessages + 50).map((each) => here.send(each, 10)),
        );
        await here.send(message("well"), 1);
        await here.broadcast(message("*"));
        await well.has(2);
        stuck.open();
      });
    });

    describe("when a handler fails", () => {
      test.each([
        [
          "throws",
          () => {
            throw new Error("No.");
          },
        ],
        ["rejects", () => Promise.reject(new Error("No."))],
      ])("that %s loses its message and nothing else", async (_, fail) => {
        const agent = collector();
        const [bad, good] = [message("agent"), message("agent")];
        await there.subscribe("agent", (received) => {
          if (received.id === bad.id) return fail();
          return agent.handler(received);
        });
        await here.send(bad, middle);
        await here.send(good, middle);
        await agent.has(1);
        await quiet(here, there);
        expect(agent.ids()).toEqual([good.id]);
      });
    });

    describe("to all", () => {
      test("a broadcast reaches every subscriber but its sender", async () => {
        const agents = Array.from({ length: 3 }, collector);
        for (const [index, { handler }] of agents.entries()) {
          await (index % 2 ? here : there).subscribe(`agent-${index}`, handler);
        }
        const sent = message("*", { from: "agent-0" });
        await here.broadcast(sent);
        await agents[1]!.has(1);
        await agents[2]!.has(1);
        await quiet(here, there);
        expect(agents.map(({ got }) => got)).toEqual([[], [sent], [sent]]);
      });
    });

    describe("answers", () => {
      test("reach who listens at the address, by correlation id, and no subscriber", async () => {
        const [listener, other, subscriber] = [collector(), collector(), collector()];
        await there.listen("asker", listener.handler);
        await there.listen("other", other.handler);
        await there.subscribe("asker", subscriber.handler);
        const answers = ["q1", "q2"].map((correlationId) =>
          message("asker", { type: "task_response", correlationId }),
        );
        for (const answer of answers) await here.respond(answer);
        await here.send(message("asker"), middle);
        await listener.has(2);
        await subscriber.has(1);
        await quiet(here, there);
        expect(listener.got.map(({ correlationId }) => correlationId).sort()).toEqual(["q1", "q2"]);
        expect(other.got).toEqual([]);
        expect(subscriber.got).toHaveLength(1);
      });
    });

    describeSubscriptions(() => [here, there]);

    test("a bus that is closed refuses everything with `unavailable`, and handles nothing more", async () => {
      const agent = gate();
      const subscription = await here.subscribe("agent", agent.handler);
      for (const sent of messages("agent", 3)) await here.send(sent, middle);
      await agent.has(1);
      await here.close();
      await here.close();
      agent.open();
      const closed = { code: "unavailable" };
      await expect(here.send(message("agent"), middle)).rejects.toMatchObject(closed);
      await expect(here.respond(message("agent"))).rejects.toMatchObject(closed);
      await expect(here.broadcast(message("*"))).rejects.toMatchObject(closed);
      await expect(here.subscribe("agent", agent.handler)).rejects.toMatchObject(closed);
      await expect(here.listen("agent", agent.handler)).rejects.toMatchObject(closed);
      await expect(here.serve(agent.handler)).rejects.toMatchObject(closed);
      await expect(here.provide("agent")).rejects.toMatchObject(closed);
      await expect(here.check()).rejects.toMatchObject(closed);
      await subscription.end();
      expect(agent.got).toHaveLength(1);
    });
  });
}
