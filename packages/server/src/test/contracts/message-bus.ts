import { limits, type Message } from "@muster/sdk/protocol";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MessageBus } from "../../ports/message-bus.ts";

let made = 0;

const message = (to: string, parts: Partial<Message> = {}): Message => ({
  id: `m${made++}`,
  type: "task_request",
  from: "orchestrator",
  to,
  correlationId: "c",
  payload: null,
  sentAt: new Date(0).toISOString(),
  ...parts,
});

/** A handler that keeps what it got, and can be held up. */
const recorder = () => {
  const got: Message[] = [];
  let open: (() => void) | undefined;
  let gate: Promise<void> | undefined;
  return {
    got,
    ids: () => got.map(({ id }) => id),
    hold() {
      gate = new Promise((resolve) => {
        open = resolve;
      });
    },
    letGo: () => open?.(),
    async handle(received: Message) {
      got.push(received);
      await gate;
    },
  };
};

/** What every message bus must do. `makeBus` makes an empty one; it is closed after each test. */
export function describeMessageBusContract(name: string, makeBus: () => Promise<MessageBus>): void {
  describe(`${name} as a message bus`, () => {
    let bus: MessageBus;
    beforeEach(async () => {
      bus = await makeBus();
    });
    afterEach(() => bus.close());

    it("delivers to the agent and to nobody else, whole, and not inside send", async () => {
      const a = recorder();
      const b = recorder();
      await bus.subscribe("a", a.handle);
      await bus.subscribe("b", b.handle);
      const sent = message("a", { payload: { text: "é\u0000", list: [1, null] }, trace: "t" });
      const sending = bus.send(sent, 5);
      expect(a.got).toEqual([]);
      await sending;
      await vi.waitFor(() => expect(a.got).toEqual([sent]));
      expect(b.got).toEqual([]);
    });

    it("delivers the highest priority first and equals in order of arrival", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 10 }), { maxLength: 60 }), async (priorities) => {
          const agent = recorder();
          const subscription = await bus.subscribe("sorted", agent.handle);
          agent.hold();
          await bus.send(message("sorted"), 10);
          await vi.waitFor(() => expect(agent.got.length).toBe(1));
          const sent = priorities.map((priority) => ({ priority, sent: message("sorted") }));
          for (const { priority, sent: waiting } of sent) await bus.send(waiting, priority);
          agent.letGo();
          const expected = sent.sort((x, y) => y.priority - x.priority).map((entry) => entry.sent.id);
          await vi.waitFor(() => expect(agent.ids().slice(1)).toEqual(expected), { interval: 1 });
          await subscription.end();
        }),
        { numRuns: 25 },
      );
    });

    it("hands over one message at a time", async () => {
      let running = 0;
      let most = 0;
      let done = 0;
      await bus.subscribe("slow", async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running -= 1;
        done += 1;
      });
      for (let i = 0; i < 10; i++) await bus.send(message("slow"), 5);
      await vi.waitFor(() => expect(done).toBe(10));
      expect(most).toBe(1);
    });

    it("loses the message of a handler that throws, and nothing else", async () => {
      const seen: string[] = [];
      await bus.subscribe("a", ({ id }) => {
        seen.push(id);
        if (seen.length === 1) throw new Error("thrown");
        if (seen.length === 2) return Promise.reject(new Error("rejected"));
      });
      const sent = [message("a"), message("a"), message("a")];
      for (const one of sent) await bus.send(one, 5);
      await vi.waitFor(() => expect(seen).toEqual(sent.map(({ id }) => id)));
    });

    it("tells the sender when the mailbox is full, and takes messages again once it is not", async () => {
      const agent = recorder();
      agent.hold();
      await bus.subscribe("full", agent.handle);
      await bus.send(message("full"), 5);
      await vi.waitFor(() => expect(agent.got.length).toBe(1));
      for (let i = 0; i < limits.mailboxMessages; i++) await bus.send(message("full"), 5);
      await expect(bus.send(message("full"), 10)).rejects.toMatchObject({
        code: "rate_limited",
        retryable: true,
      });
      agent.letGo();
      await vi.waitFor(() => expect(agent.got.length).toBe(limits.mailboxMessages + 1));
      await bus.send(message("full"), 5);
      await vi.waitFor(() => expect(agent.got.length).toBe(limits.mailboxMessages + 2));
    });

    it("broadcasts to everybody but the sender", async () => {
      const all = ["a", "b", "c"].map((id) => ({ id, ...recorder() }));
      for (const { id, handle } of all) await bus.subscribe(id, handle);
      const sent = message("*", { from: "b", type: "event" });
      await bus.broadcast(sent);
      await vi.waitFor(() => expect(all.map(({ got }) => got.length)).toEqual([1, 0, 1]));
    });

    it("keeps answers apart from messages to an agent", async () => {
      const agent = recorder();
      const answers = recorder();
      await bus.subscribe("a", agent.handle);
      await bus.listen("a", answers.handle);
      const answer = message("a", { type: "task_response", correlationId: "q1" });
      await bus.respond(answer);
      await bus.broadcast(message("*"));
      await vi.waitFor(() => expect([answers.got.length, agent.got.length]).toEqual([1, 1]));
      expect(answers.got[0]).toEqual(answer);
    });

    it("accepts a message that nobody waits for", async () => {
      await bus.send(message("nobody"), 5);
      await bus.respond(message("nobody"));
      await bus.broadcast(message("*"));
    });

    it("lets a second subscriber replace the first, whose end does it no harm", async () => {
      const first = recorder();
      const second = recorder();
      const old = await bus.subscribe("a", first.handle);
      await bus.subscribe("a", second.handle);
      await old.end();
      await old.end();
      await bus.send(message("a"), 5);
      await vi.waitFor(() => expect(second.got.length).toBe(1));
      expect(first.got).toEqual([]);
    });

    it("delivers nothing after the end of a subscription, not even what waited", async () => {
      const agent = recorder();
      agent.hold();
      const subscription = await bus.subscribe("a", agent.handle);
      for (let i = 0; i < 5; i++) await bus.send(message("a"), 5);
      await vi.waitFor(() => expect(agent.got.length).toBe(1));
      await subscription.end();
      agent.letGo();
      await bus.send(message("a"), 5);
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(agent.got.length).toBe(1);
    });

    it("lets a handler end its own subscription and send in turn", async () => {
      const answers = recorder();
      await bus.listen("orchestrator", answers.handle);
      const subscription = await bus.subscribe("a", async (received) => {
        await bus.respond(message("orchestrator", { correlationId: received.correlationId }));
        await subscription.end();
      });
      await bus.send(message("a", { correlationId: "once" }), 5);
      await vi.waitFor(() => expect(answers.got[0]?.correlationId).toBe("once"));
    });

    it("refuses work once it is closed", async () => {
      await bus.close();
      await expect(bus.send(message("a"), 5)).rejects.toMatchObject({ code: "unavailable" });
      await expect(bus.subscribe("a", () => {})).rejects.toMatchObject({ code: "unavailable" });
    });
  });
}
