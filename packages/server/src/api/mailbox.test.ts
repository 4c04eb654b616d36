import { limits, type Message } from "@muster/sdk/protocol";
import { describe, expect, test } from "vitest";
import { Mailbox } from "./mailbox.ts";

const message = (id: string, payload: unknown = null): Message => ({
  id,
  type: "event",
  from: "orchestrator",
  to: "agent",
  correlationId: id,
  payload,
  sentAt: "2026-01-01T00:00:00.000Z",
});
const never = new AbortController().signal;
const ids = (texts: string[]): string[] => texts.map((text) => (JSON.parse(text) as Message).id);
const fill = (mailbox: Mailbox, ...names: string[]): void => {
  for (const name of names) mailbox.deliver(message(name));
};

describe("a mailbox", () => {
  test("gives messages in order, as many as were asked for", async () => {
    const mailbox = new Mailbox();
    fill(mailbox, "a", "b", "c");
    expect(ids(await mailbox.take(2, 0, never))).toEqual(["a", "b"]);
    expect(ids(await mailbox.take(2, 0, never))).toEqual(["c"]);
    expect(await mailbox.take(2, 0, never)).toEqual([]);
  });

  test("wakes who waits, with everything that arrived together", async () => {
    const mailbox = new Mailbox();
    const taken = mailbox.take(10, 5_000, never);
    fill(mailbox, "a", "b");
    expect(ids(await taken)).toEqual(["a", "b"]);
  });

  test("answers with nothing when the time is over", async () => {
    expect(await new Mailbox().take(10, 10, never)).toEqual([]);
  });

  test("ends the first poller with nothing when a second one comes", async () => {
    const mailbox = new Mailbox();
    const first = mailbox.take(10, 5_000, never);
    const second = mailbox.take(10, 5_000, never);
    fill(mailbox, "a");
    expect(await first).toEqual([]);
    expect(ids(await second)).toEqual(["a"]);
  });

  test("takes nothing for a poller that is gone", async () => {
    const mailbox = new Mailbox();
    const gone = new AbortController();
    const aborted = mailbox.take(10, 5_000, gone.signal);
    fill(mailbox, "a");
    gone.abort();
    expect(await aborted).toEqual([]);
    expect(await mailbox.take(10, 5_000, gone.signal)).toEqual([]);
    expect(ids(await mailbox.take(10, 0, never))).toEqual(["a"]);
  });

  test("puts back in front", async () => {
    const mailbox = new Mailbox();
    fill(mailbox, "a", "b");
    const taken = await mailbox.take(2, 0, never);
    fill(mailbox, "c");
    mailbox.putBack(taken);
    expect(ids(await mailbox.take(10, 0, never))).toEqual(["a", "b", "c"]);
  });

  test("wakes who waits when something is put back", async () => {
    const mailbox = new Mailbox();
    fill(mailbox, "a");
    const taken = await mailbox.take(1, 0, never);
    const next = mailbox.take(1, 5_000, never);
    mailbox.putBack(taken);
    expect(ids(await next)).toEqual(["a"]);
  });

  test("is bounded in number", async () => {
    const mailbox = new Mailbox();
    for (let index = 0; index < limits.mailboxMessages; index++) {
      expect(mailbox.deliver(message(String(index)))).toBe(true);
    }
    expect(mailbox.deliver(message("one too many"))).toBe(false);
    await mailbox.take(1, 0, never);
    expect(mailbox.deliver(message("there is room again"))).toBe(true);
  });

  test("is bounded in size, but takes any single message", () => {
    const mailbox = new Mailbox();
    expect(mailbox.deliver(message("huge", "x".repeat(40 * 1024 * 1024)))).toBe(true);
    expect(mailbox.deliver(message("small"))).toBe(false);
  });

  test("closed, it ends who waits and takes nothing more", async () => {
    const mailbox = new Mailbox();
    const taken = mailbox.take(10, 5_000, never);
    mailbox.close();
    expect(await taken).toEqual([]);
    expect(mailbox.deliver(message("late"))).toBe(false);
    mailbox.putBack(["late"]);
    expect(await mailbox.take(10, 5_000, never)).toEqual([]);
  });
});
