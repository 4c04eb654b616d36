import { expect, it, vi } from "vitest";
import { describeMessageBusContract } from "../../../test/contracts/message-bus.ts";
import { createInProcessBus } from "./create-in-process-bus.ts";

describeMessageBusContract("The bus in process", async () => createInProcessBus());

it("carries a hundred thousand messages without holding up the process for long", async () => {
  const bus = createInProcessBus();
  const total = 100_000;
  let delivered = 0;
  await bus.subscribe("a", () => {
    delivered += 1;
  });
  const sent = {
    id: "m",
    type: "event",
    from: "b",
    to: "a",
    correlationId: "c",
    payload: null,
    sentAt: "",
  } as const;
  const from = performance.now();
  for (let i = 0; i < total; i++) {
    await bus.send(sent, (i % 10) + 1);
    // A sender that never yields to the event loop would fill the mailbox.
    if (i % 1_000 === 999) await new Promise((resolve) => setImmediate(resolve));
  }
  await vi.waitFor(() => expect(delivered).toBe(total), { interval: 5, timeout: 20_000 });
  // A second on a quiet machine is the aim; this bound only catches what is out of proportion.
  expect(performance.now() - from).toBeLessThan(10_000);
  await bus.close();
});
