import { beforeEach, describe, expect, test } from "vitest";
import type { MessageBus } from "../../ports/message-bus.ts";
import { collector, gate, message, messages, quiet } from "./message-collector.ts";

const middle = 5;

/** The part of the contract of a message bus that is about who receives: one subscriber, one listener, many who serve. */
export function describeSubscriptions(buses: () => [MessageBus, MessageBus]): void {
  let here: MessageBus;
  let there: MessageBus;

  beforeEach(() => {
    [here, there] = buses();
  });

  describe("subscriptions", () => {
    test("a second subscriber takes the first one's place, even on another node", async () => {
      const [first, second] = [collector(), collector()];
      const replaced = await here.subscribe("agent", first.handler);
      await there.subscribe("agent", second.handler);
      await here.send(message("agent"), middle);
      await second.has(1);
      await replaced.end();
      await here.send(message("agent"), middle);
      await second.has(2);
      await quiet(here, there);
      expect(first.got).toEqual([]);
    });

    test("the first one gets nothing more, even if it was in the middle of a message", async () => {
      const [first, second] = [gate(), gate()];
      await here.subscribe("agent", first.handler);
      for (const sent of messages("agent", 4)) await here.send(sent, middle);
      await first.has(1);
      await there.subscribe("agent", second.handler);
      for (const sent of messages("agent", 4)) await here.send(sent, middle);
      await second.has(1);
      first.open();
      await quiet(here, there);
      expect(first.got).toHaveLength(1);
      second.open();
      await second.has(4);
    });

    test("a second listener takes the first one's place", async () => {
      const [first, second] = [collector(), collector()];
      const replaced = await here.listen("asker", first.handler);
      await there.listen("asker", second.handler);
      await replaced.end();
      await here.respond(message("asker"));
      await second.has(1);
      expect(first.got).toEqual([]);
    });

    test("nothing is handled after the end, not even what waited", async () => {
      const agent = gate();
      const subscription = await there.subscribe("agent", agent.handler);
      for (const sent of messages("agent", 5)) await here.send(sent, middle);
      await agent.has(1);
      await subscription.end();
      await subscription.end();
      agent.open();
      await here.send(message("agent"), middle);
      await here.broadcast(message("*"));
      await quiet(here, there);
      expect(agent.got).toHaveLength(1);
    });

    test("a handler may end its own subscription", async () => {
      const agent = collector();
      const subscription = await there.subscribe("agent", async (received) => {
        agent.handler(received);
        await subscription.end();
      });
      for (const sent of messages("agent", 3)) await here.send(sent, middle);
      await agent.has(1);
      await quiet(here, there);
      expect(agent.got).toHaveLength(1);
    });

    test("an agent that comes back gets what is sent from then on", async () => {
      const [first, second] = [collector(), collector()];
      await (await there.subscribe("agent", first.handler)).end();
      await there.subscribe("agent", second.handler);
      await here.send(message("agent"), middle);
      await second.has(1);
      expect(first.got).toEqual([]);
    });
  });

  describe("to the orchestrator", () => {
    const request = () => message("orchestrator", { type: "query" });

    test("each request reaches one of the nodes that serve, and no agent", async () => {
      const [one, two, agent] = [collector(), collector(), collector()];
      await here.serve(one.handler);
      await there.serve(two.handler);
      await here.subscribe("agent", agent.handler);
      const sent = Array.from({ length: 200 }, request);
      await Promise.all(sent.map((each, index) => (index % 2 ? here : there).send(each, middle)));
      while (one.got.length + two.got.length < sent.length) await quiet(here, there);
      await quiet(here, there);
      expect([...one.ids(), ...two.ids()].sort()).toEqual(sent.map(({ id }) => id).sort());
      expect(agent.got).toEqual([]);
    });

    test("a request that takes long keeps no other from being served", async () => {
      const server = gate();
      await there.serve(server.handler);
      await here.send(request(), middle);
      await server.has(1);
      await here.send(request(), middle);
      await server.has(2);
      server.open();
    });

    test("one that fails is gone and the next is served", async () => {
      const server = collector();
      await there.serve(async (received) => {
        server.handler(received);
        if (server.got.length === 1) throw new Error("No.");
      });
      await here.send(request(), middle);
      await here.send(request(), middle);
      await server.has(2);
      await quiet(here, there);
      expect(server.got).toHaveLength(2);
    });

    test("who does not serve any more gets none, and the others get all", async () => {
      const [gone, left] = [collector(), collector()];
      await (await here.serve(gone.handler)).end();
      await there.serve(left.handler);
      for (let index = 0; index < 5; index++) await here.send(request(), middle);
      await left.has(5);
      expect(gone.got).toEqual([]);
    });
  });

  test("what works says so, and makes room for whoever reads the bus itself", async () => {
    await here.check();
    await here.provide("agent");
    await there.provide("agent");
    const agent = collector();
    await there.subscribe("agent", agent.handler);
    await here.send(message("agent"), middle);
    await agent.has(1);
  });
}
