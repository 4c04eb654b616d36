import { afterEach, describe, expect, it } from "vitest";
import { limits, MusterError } from "../src/protocol/index.ts";
import { FakeOrchestrator } from "./fake-orchestrator.ts";
import { gate, startTestAgent, stopTestAgents } from "./start-test-agent.ts";
import { settled } from "./test-clock.ts";

afterEach(stopTestAgents);

const of = (orchestrator: FakeOrchestrator, operation: string) =>
  orchestrator.requests.filter((request) => request.operation === operation).map(({ body }) => body);

describe("step", () => {
  it("is not run again by the attempt after a crash", async () => {
    const orchestrator = new FakeOrchestrator();
    const ran: string[] = [];
    const crash = gate();
    const { agent } = await startTestAgent(orchestrator, async ({ attempt, step }) => {
      const at = await step("paid", () => {
        ran.push("paid");
        return { at: new Date(0), note: undefined };
      });
      if (attempt === 1) await crash.promise;
      return at;
    });
    const task = orchestrator.submit({ capability: "work" });
    await settled();
    orchestrator.crash(agent.id as string);
    await startTestAgent(orchestrator, async ({ step }) => step("paid", () => ran.push("again")));
    await settled();
    expect(task).toMatchObject({
      status: "completed",
      attempt: 2,
      output: { at: "1970-01-01T00:00:00.000Z" },
    });
    expect(ran).toEqual(["paid"]);
    crash.open();
  });

  it("gives the same JSON value whether it was just made or comes from the journal", async () => {
    const orchestrator = new FakeOrchestrator();
    const seen: unknown[] = [];
    await startTestAgent(orchestrator, async ({ attempt, step }) => {
      seen.push(
        await step("made", () => ({ at: new Date(5), none: undefined })),
        await step("nothing", () => undefined),
      );
      if (attempt === 1) throw new Error("again");
    });
    orchestrator.submit({ capability: "work" });
    await settled();
    expect(seen).toEqual([
      { at: "1970-01-01T00:00:00.005Z" },
      null,
      { at: "1970-01-01T00:00:00.005Z" },
      null,
    ]);
  });

  it("is shared by those who ask for the same key at once, and can be tried again after a failure", async () => {
    const orchestrator = new FakeOrchestrator();
    let calls = 0;
    await startTestAgent(orchestrator, async ({ step }) => {
      const work = () => {
        if (++calls === 1) throw new Error("first try");
        return calls;
      };
      await step("a", work).catch(() => undefined);
      return Promise.all([step("a", work), step("a", work)]);
    });
    const task = orchestrator.submit({ capability: "work" });
    await settled();
    expect(task.output).toEqual([2, 2]);
    expect(of(orchestrator, "journal")).toMatchObject([{ key: "a", value: 2 }]);
  });

  it("refuses a key that is too long or taken, and a value that is too large", async () => {
    const orchestrator = new FakeOrchestrator();
    await startTestAgent(orchestrator, async ({ step }) => {
      const codes = [
        step("x".repeat(257), () => 1),
        step("delegate:0", () => 1),
        step("large", () => "x".repeat(limits.payloadBytes)),
      ];
      return (await Promise.allSettled(codes)).map((end) => end.status === "rejected" && end.reason.code);
    });
    const task = orchestrator.submit({ capability: "work" });
    await settled();
    expect(task.output).toEqual(["invalid_request", "invalid_request", "payload_too_large"]);
  });

  it("is recorded although the orchestrator was away for a while", async () => {
    const orchestrator = new FakeOrchestrator();
    let refusals = 3;
    orchestrator.before = (operation) => {
      if (operation === "journal" && refusals-- > 0) throw new MusterError("unavailable", "away");
    };
    const { clock } = await startTestAgent(orchestrator, async ({ step }) => step("a", () => 1));
    const task = orchestrator.submit({ capability: "work" });
    await clock.advance(2_000);
    expect(task.output).toBe(1);
  });
});

describe("progress", () => {
  it("is sent at most every 250 ms, the newest wins, and the last one is always sent", async () => {
    const orchestrator = new FakeOrchestrator();
    const middle = gate();
    const end = gate();
    const { clock } = await startTestAgent(orchestrator, async ({ progress }) => {
      for (let done = 0; done <= 5; done++) progress(done / 10, `${done}`);
      await middle.promise;
      progress(0.9);
      progress(7);
      await end.promise;
    });
    orchestrator.submit({ capability: "work" });
    await settled();
    expect(of(orchestrator, "progress").map(({ fraction }) => fraction)).toEqual([0]);
    await clock.advance(250);
    expect(of(orchestrator, "progress").map(({ message }) => message)).toEqual(["0", "5"]);
    middle.open();
    await settled();
    end.open();
    await settled();
    expect(of(orchestrator, "progress").map(({ fraction }) => fraction)).toEqual([0, 0.5, 1]);
  });
});

describe("talking to others", () => {
  it("logs, sends, broadcasts and queries", async () => {
    const orchestrator = new FakeOrchestrator();
    orchestrator.answer = (payload) => ({ echo: payload });
    await startTestAgent(orchestrator, async ({ log, send, broadcast, query }) => {
      log("warn", "a line", { n: 1n });
      await send("friend", { hello: true });
      await broadcast("all");
      return query("friend", { question: 1 });
    });
    const task = orchestrator.submit({ capability: "work" });
    await settled();
    expect(task.output).toEqual({ echo: { question: 1 } });
    expect(of(orchestrator, "log")).toMatchObject([
      { level: "warn", fields: { unreadable: expect.any(String) } },
    ]);
    expect(of(orchestrator, "send")).toEqual([{ to: "friend", payload: { hello: true } }]);
    expect(of(orchestrator, "query")).toEqual([
      { to: "friend", payload: { question: 1 }, timeoutMs: 10_000 },
    ]);
  });

  it("rejects a query that was answered with an error", async () => {
    const orchestrator = new FakeOrchestrator();
    orchestrator.answer = () => ({ error: { code: "shy", message: "I would rather not" } });
    await startTestAgent(orchestrator, async ({ query }) => query("friend", 1));
    const task = orchestrator.submit({ capability: "work", retry: { maxAttempts: 1 } });
    await settled();
    expect(task.error).toMatchObject({ code: "shy", message: "I would rather not" });
  });

  it("hands events to onMessage and answers queries with onQuery", async () => {
    const orchestrator = new FakeOrchestrator();
    const heard: unknown[] = [];
    const { agent, problems } = await startTestAgent(orchestrator, () => null, {
      onMessage: ({ from, payload }) => {
        heard.push([from, payload]);
        if (payload === "bad") throw new Error("no");
      },
      onQuery: ({ payload }) => {
        if (payload === "secret") throw Object.assign(new Error("not telling"), { code: "secret" });
        return { you: payload };
      },
    });
    const id = agent.id as string;
    orchestrator.send(id, { type: "event", from: "friend", payload: "hello" });
    orchestrator.send(id, { type: "event", from: "friend", payload: "bad" });
    orchestrator.send(id, { type: "query", from: "friend", correlationId: "c1", payload: "name?" });
    orchestrator.send(id, { type: "query", from: "friend", correlationId: "c2", payload: "secret" });
    await settled();
    expect(heard).toEqual([
      ["friend", "hello"],
      ["friend", "bad"],
    ]);
    expect(problems).toHaveLength(1);
    const replies = of(orchestrator, "reply").sort((a, b) =>
      (a.correlationId as string) < (b.correlationId as string) ? -1 : 1,
    );
    expect(replies).toEqual([
      { to: "friend", correlationId: "c1", payload: { you: "name?" } },
      { to: "friend", correlationId: "c2", payload: { error: { code: "secret", message: "not telling" } } },
    ]);
  });

  it("refuses queries when the agent has no onQuery", async () => {
    const orchestrator = new FakeOrchestrator();
    const { agent } = await startTestAgent(orchestrator, () => null);
    orchestrator.send(agent.id as string, { type: "query", from: "friend", payload: 1 });
    await settled();
    expect(of(orchestrator, "reply")).toMatchObject([{ payload: { error: { code: "not_found" } } }]);
  });
});
