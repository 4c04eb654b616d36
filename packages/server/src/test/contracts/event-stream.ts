import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { EventStream, Signal } from "../../ports/event-stream.ts";

/** What every event stream must do. `makeStream` makes one without subscribers; it is closed after each test. */
export function describeEventStreamContract(name: string, makeStream: () => Promise<EventStream>): void {
  describe(`${name} as an event stream`, () => {
    let stream: EventStream;
    beforeEach(async () => {
      stream = await makeStream();
    });
    afterEach(() => stream.close());
    const upTo = (number: number): Signal => ({ kind: "events", upTo: number });

    it("tells every subscriber everything in order, not inside publish", async () => {
      const got: Signal[][] = [[], []];
      for (const list of got) await stream.subscribe((signal) => list.push(signal));
      const signals: Signal[] = [upTo(1), { kind: "ready", routes: ["a"] }, { kind: "agents" }, upTo(2)];
      for (const signal of signals) stream.publish(signal);
      expect(got).toEqual([[], []]);
      await vi.waitFor(() => expect(got).toEqual([signals, signals]));
    });

    it("tells the others when one subscriber throws", async () => {
      const got: Signal[] = [];
      await stream.subscribe(() => {
        throw new Error("no");
      });
      await stream.subscribe((signal) => got.push(signal));
      stream.publish(upTo(1));
      stream.publish(upTo(2));
      await vi.waitFor(() => expect(got).toEqual([upTo(1), upTo(2)]));
    });

    it("tells nothing after the end of a subscription, and only that one ends", async () => {
      const got: number[] = [0, 0];
      const subscriptions = await Promise.all(
        [0, 1].map((index) =>
          stream.subscribe(() => {
            got[index] = (got[index] ?? 0) + 1;
          }),
        ),
      );
      await subscriptions[0]?.end();
      await subscriptions[0]?.end();
      stream.publish({ kind: "agents" });
      await vi.waitFor(() => expect(got).toEqual([0, 1]));
    });

    it("takes a signal published from a handler", async () => {
      const got: Signal[] = [];
      await stream.subscribe((signal) => {
        got.push(signal);
        if (got.length === 1) stream.publish(upTo(2));
      });
      stream.publish(upTo(1));
      await vi.waitFor(() => expect(got).toEqual([upTo(1), upTo(2)]));
    });
  });
}
