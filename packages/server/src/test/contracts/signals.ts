import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Signals } from "../../ports/signals.ts";

/** Two nodes that hear each other. */
export type MakeSignals = () => [Signals, Signals] | Promise<[Signals, Signals]>;

/** What all signals must do, whatever carries them. */
export function describeSignalsContract(name: string, makeAdapter: MakeSignals): void {
  describe(`${name} as signals`, () => {
    let node: Signals;
    let otherNode: Signals;
    let heard: unknown[];
    const hear = (payload: unknown) => void heard.push(payload);
    const heardSoon = (expected: unknown[]) => expect.poll(() => heard, { interval: 2 }).toEqual(expected);

    beforeEach(async () => {
      heard = [];
      [node, otherNode] = await makeAdapter();
    });
    afterEach(async () => {
      await node.close();
      await otherNode.close();
    });

    test("reach the other nodes in order, and not the one that sent them", async () => {
      await node.subscribe("work", () => hear("an echo"));
      await otherNode.subscribe("work", hear);
      node.publish("work", { route: "a", text: "é✓" });
      node.publish("work", null);
      node.publish("work", undefined);
      node.publish("work", "last");
      await heardSoon([{ route: "a", text: "é✓" }, null, null, "last"]);
    });

    test("reach those who subscribed to the topic, each of them", async () => {
      await otherNode.subscribe("work", hear);
      await otherNode.subscribe("work", hear);
      await otherNode.subscribe("events", hear);
      node.publish("work", 1);
      node.publish("nothing", 2);
      node.publish("events", 3);
      await heardSoon([1, 1, 3]);
    });

    test("do not reach a subscription that was ended, while another goes on", async () => {
      const subscription = await otherNode.subscribe("work", () => hear("ended"));
      await otherNode.subscribe("work", hear);
      await subscription.end();
      await subscription.end();
      node.publish("work", 1);
      await heardSoon([1]);
    });

    test("are a copy: what a receiver does with one changes nothing for another", async () => {
      await otherNode.subscribe("work", (payload) => {
        (payload as { n: number }).n += 1;
        hear(payload);
      });
      await otherNode.subscribe("work", hear);
      const sent = { n: 1 };
      node.publish("work", sent);
      await heardSoon([{ n: 2 }, { n: 1 }]);
      expect(sent).toEqual({ n: 1 });
    });

    test("neither come nor go once a node is closed", async () => {
      await otherNode.subscribe("work", hear);
      await node.subscribe("work", hear);
      await node.close();
      node.publish("work", "from the closed one");
      otherNode.publish("work", "to the closed one");
      await otherNode.close();
      await new Promise((resolve) => setImmediate(resolve));
      expect(heard).toEqual([]);
    });
  });
}
