import { limits, type Message } from "@muster/sdk/protocol";
import { describe, expect, test, vi } from "vitest";
import { describeMessageBusContract } from "../../../test/contracts/message-bus.ts";
import { createInProcessBus } from "./create-in-process-bus.ts";

describeMessageBusContract("the bus in process", () => {
  const bus = createInProcessBus();
  return [bus, bus];
});

const message = (to: string, id: string): Message => ({
  id,
  type: "event",
  from: "sender",
  to,
  correlationId: id,
  payload: null,
  sentAt: "2030-01-01T00:00:00.000Z",
});
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
const never = new Promise<void>(() => {});

describe("the bus in process", () => {
  test("drops what is sent before there is a subscriber", async () => {
    const bus = createInProcessBus();
    const got: string[] = [];
    await bus.send(message("agent", "early"), 5);
    await bus.subscribe("agent", ({ id }) => void got.push(id));
    await bus.send(message("agent", "in time"), 5);
    await nextTurn();
    expect(got).toEqual(["in time"]);
  });

  test("hands what waits over to the next subscriber, also when the first one is stuck", async () => {
    const bus = createInProcessBus();
    const got: string[] = [];
    await bus.subscribe("agent", () => never);
    await bus.send(message("agent", "stuck"), 5);
    await nextTurn();
    await bus.send(message("agent", "low"), 2);
    await bus.send(message("agent", "high"), 9);
    await bus.subscribe("agent", ({ id }) => void got.push(id));
    await nextTurn();
    expect(got).toEqual(["high", "low"]);
  });

  test("takes exactly as many messages as the limit says", async () => {
    const bus = createInProcessBus();
    await bus.subscribe("agent", () => never);
    await bus.listen("agent", () => never);
    for (const send of [(m: Message) => bus.send(m, 5), (m: Message) => bus.respond(m)]) {
      await send(message("agent", "being handled"));
      await nextTurn();
      for (let index = 0; index < limits.mailboxMessages; index++) await send(message("agent", `${index}`));
      await expect(send(message("agent", "too many"))).rejects.toMatchObject({
        code: "unavailable",
        message: `${limits.mailboxMessages} messages wait for agent already; it takes no more now.`,
      });
    }
  });

  test("logs which handler failed on which message", async () => {
    const warn = vi.fn();
    const bus = createInProcessBus({ log: { warn } });
    const error = new Error("No.");
    await bus.subscribe("agent", () => {
      throw error;
    });
    await bus.send(message("agent", "m1"), 5);
    await nextTurn();
    expect(warn.mock.calls).toEqual([
      [{ error, address: "agent", messageId: "m1", type: "event" }, "A handler failed; its message is lost."],
    ]);
  });

  test("logs who missed a broadcast", async () => {
    const warn = vi.fn();
    const bus = createInProcessBus({ log: { warn } });
    await bus.subscribe("stuck", () => never);
    await bus.subscribe("well", () => {});
    for (let index = 0; index < limits.mailboxMessages; index++)
      await bus.send(message("stuck", `${index}`), 5);
    await bus.broadcast(message("*", "news"));
    expect(warn.mock.calls).toEqual([
      [{ agentIds: ["stuck"], messageId: "news" }, "A broadcast missed agents with full queues."],
    ]);
  });

  test("lets timers and sockets have their turn while agents write to each other without end", async () => {
    const bus = createInProcessBus();
    let hops = 0;
    const passOn = (to: string) => async () => {
      hops += 1;
      await bus.send(message(to, "ball"), 5);
    };
    await bus.subscribe("a", passOn("b"));
    await bus.subscribe("b", passOn("a"));
    await bus.subscribe("self", passOn("self"));
    await bus.send(message("a", "ball"), 5);
    await bus.send(message("self", "ball"), 5);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await bus.close();
    expect(hops).toBeGreaterThan(100);
  });

  test("delivers when the one who runs the simulation says so", async () => {
    const deferred: (() => void)[] = [];
    const bus = createInProcessBus({ defer: (work) => deferred.push(work) });
    const got: string[] = [];
    await bus.subscribe("agent", ({ id }) => void got.push(id));
    await bus.send(message("agent", "low"), 1);
    await bus.send(message("agent", "high"), 10);
    await nextTurn();
    expect(got).toEqual([]);
    expect(deferred).toHaveLength(1);
    deferred[0]!();
    expect(got).toEqual(["high", "low"]);
  });
});
