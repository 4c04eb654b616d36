import { expect, it } from "vitest";
import { createMailbox } from "./mailbox.ts";

const message = (payload: unknown, from = "ann") => ({ id: "1", from, payload, sentAt: "" });
const letter = (text: string, runId: string | null = "run-1") => message({ text, taskId: "t", runId });

it("hears what is written in its own run, and in no other", () => {
  const mailbox = createMailbox();
  const mine = mailbox.open({ runId: "run-1" });
  const other = mailbox.open({ runId: "run-2" });
  const alone = mailbox.open({ runId: null });
  mailbox.receive(letter("hello"));
  mailbox.receive(letter("for nobody", null));
  for (const strange of [
    "text",
    null,
    7,
    { text: 7 },
    { text: "x", runId: "run-1" },
    letter("x".repeat(2_001)).payload,
  ])
    mailbox.receive(message(strange));
  expect(mine.take()).toBe("ann: hello");
  expect(mine.take()).toBeUndefined();
  expect(other.take()).toBeUndefined();
  expect(alone.take()).toBeUndefined();
});

it("keeps a bounded number, and gives again what nobody got to see", () => {
  const mailbox = createMailbox();
  const mine = mailbox.open({ runId: "run-1" });
  for (let n = 0; n < 100; n++) mailbox.receive(letter(`word ${n}`));
  const heard = mine.take()!;
  expect(heard.split("\n\n")).toHaveLength(20);
  mine.giveBack(heard);
  expect(mine.take()).toBe(heard);
  mine.close();
  mailbox.receive(letter("too late"));
  expect(mine.take()).toBeUndefined();
});
