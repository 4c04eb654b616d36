import { afterEach, describe, expect, it } from "vitest";
import { MusterError } from "../src/protocol/index.ts";
import { FakeOrchestrator } from "./fake-orchestrator.ts";
import { gate, startTestAgent, stopTestAgents } from "./start-test-agent.ts";
import { settled } from "./test-clock.ts";

afterEach(stopTestAgents);

const unavailable = () => new MusterError("unavailable", "away");

describe("heartbeats", () => {
  it("list every lease and stop the work on those that are lost", async () => {
    const orchestrator = new FakeOrchestrator({ heartbeatMs: 1_000 });
    const signals: AbortSignal[] = [];
    const { clock } = await startTestAgent(
      orchestrator,
      ({ signal }) => {
        signals.push(signal);
        return new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
      { maxConcurrency: 2 },
    );
    const [kept, lost] = [
      orchestrator.submit({ capability: "work" }),
      orchestrator.submit({ capability: "work" }),
    ];
    await settled();
    orchestrator.expire(lost.id, false);
    await clock.advance(1_000);
    const beat = orchestrator.requests.find(({ operation }) => operation === "heartbeat");
    expect(beat?.body.tasks).toMatchObject([{ taskId: kept.id }, { taskId: lost.id }]);
    expect(signals.map((signal) => signal.aborted)).toEqual([false, true]);
    expect(signals[1]?.reason).toMatchObject({ code: "lease_lost" });
    expect(orchestrator.accepted).toEqual([]);
  });

  it("register again under the same id when the orchestrator has forgotten the agent", async () => {
    const orchestrator = new FakeOrchestrator({ heartbeatMs: 1_000 });
    const { agent, clock, problems } = await startTestAgent(orchestrator, () => "done");
    const id = agent.id as string;
    orchestrator.agents.delete(id);
    await clock.advance(1_000);
    expect([...orchestrator.agents.keys()]).toEqual([id]);
    const task = orchestrator.submit({ capability: "work" });
    await settled();
    expect(task.status).toBe("completed");
    expect(problems).toEqual([]);
  });

  it("say busy while handlers that ignore their signal fill every slot", async () => {
    const orchestrator = new FakeOrchestrator({ heartbeatMs: 1_000 });
    const open = gate();
    const { clock } = await startTestAgent(orchestrator, () => open.promise);
    const task = orchestrator.submit({ capability: "work" });
    await settled();
    orchestrator.cancel(task.id);
    await clock.advance(2_000);
    open.open();
    await clock.advance(2_000);
    const said = orchestrator.requests
      .filter(({ operation }) => operation === "heartbeat")
      .map(({ body }) => body.status);
    expect(said).toEqual(["busy", "busy", "available", undefined]);
  });

  it("tell about an outage once", async () => {
    const orchestrator = new FakeOrchestrator({ heartbeatMs: 1_000 });
    const { clock, problems } = await startTestAgent(orchestrator, () => null);
    orchestrator.before = () => {
      throw unavailable();
    };
    await clock.advance(5_000);
    expect(problems).toMatchObject([{ code: "unavailable" }]);
  });
});

describe("stop-work", () => {
  it("aborts the handler and nothing more is reported", async () => {
    const orchestrator = new FakeOrchestrator();
    const seen: unknown[] = [];
    await startTestAgent(orchestrator, async ({ signal, step, progress, log }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      progress(0.5);
      log("info", "still here");
      await step("late", () => seen.push("the step ran")).catch((error: unknown) =>
        seen.push((error as MusterError).code),
      );
      return "too late";
    });
    const task = orchestrator.submit({ capability: "work" });
    await settled();
    orchestrator.cancel(task.id);
    await settled();
    expect(seen).toEqual(["lease_lost"]);
    expect(orchestrator.requests).toEqual([]);
    expect(task.status).toBe("cancelled");
  });

  it("reaches a task that waits in line before its handler runs", async () => {
    const orchestrator = new FakeOrchestrator();
    const ran: unknown[] = [];
    const open = gate();
    const { agent } = await startTestAgent(orchestrator, async ({ input }) => {
      ran.push(input);
      await open.promise;
    });
    orchestrator.agents.get(agent.id as string)!.registration.maxConcurrency = 2;
    orchestrator.submit({ capability: "work", input: "first" });
    const second = orchestrator.submit({ capability: "work", input: "second" });
    await settled();
    orchestrator.cancel(second.id);
    open.open();
    await settled();
    expect(ran).toEqual(["first"]);
  });
});

describe("settling", () => {
  it("is repeated until the orchestrator knows the agent again, however often it registers in vain", async () => {
    const orchestrator = new FakeOrchestrator();
    const { clock } = await startTestAgent(orchestrator, () => "kept");
    let forgets = 5;
    orchestrator.before = (operation) => {
      if (operation === "settle" && forgets-- > 0) throw new MusterError("agent_unknown", "No such agent.");
    };
    const task = orchestrator.submit({ capability: "work" });
    await settled();
    await clock.advance(10_000);
    expect(task).toMatchObject({ status: "completed", output: "kept" });
  });

  it("is repeated while the orchestrator is away", async () => {
    const orchestrator = new FakeOrchestrator();
    const { clock } = await startTestAgent(orchestrator, () => "kept");
    let away = true;
    orchestrator.before = () => {
      if (away) throw unavailable();
    };
    const task = orchestrator.submit({ capability: "work" });
    await clock.advance(3_000);
    expect(task.status).toBe("in_progress");
    away = false;
    await clock.advance(3_000);
    expect(task).toMatchObject({ status: "completed", output: "kept" });
  });

  it("is given up when the lease is surely lost, and said so", async () => {
    const orchestrator = new FakeOrchestrator({ leaseMs: 5_000, heartbeatMs: 1_000_000 });
    const { clock, problems } = await startTestAgent(orchestrator, () => "dropped");
    orchestrator.before = () => {
      throw unavailable();
    };
    orchestrator.submit({ capability: "work" });
    await clock.advance(20_000);
    const tries = orchestrator.requests.length;
    expect(tries).toBeGreaterThan(3);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.message).toContain("could not be reported");
    await clock.advance(60_000);
    expect(orchestrator.requests).toHaveLength(tries);
  });

  it("drops the result when the lease is lost", async () => {
    const orchestrator = new FakeOrchestrator();
    const open = gate();
    const { problems } = await startTestAgent(orchestrator, () => open.promise);
    const task = orchestrator.submit({ capability: "work" });
    await settled();
    orchestrator.expire(task.id, false);
    open.open();
    await settled();
    expect(orchestrator.requests.map(({ operation }) => operation)).toEqual(["settle"]);
    expect({ accepted: orchestrator.accepted, problems }).toEqual({ accepted: [], problems: [] });
  });

  it("registers again where the orchestrator was restarted meanwhile", async () => {
    const orchestrator = new FakeOrchestrator();
    const open = gate<string>();
    const { agent } = await startTestAgent(orchestrator, () => open.promise);
    const task = orchestrator.submit({ capability: "work" });
    await settled();
    orchestrator.agents.delete(agent.id as string);
    open.open("kept");
    await settled();
    expect(task).toMatchObject({ status: "completed", output: "kept" });
  });

  it("gives way when the same task is handed out anew", async () => {
    const orchestrator = new FakeOrchestrator();
    const aborted: number[] = [];
    await startTestAgent(
      orchestrator,
      ({ attempt, signal }) =>
        attempt === 2
          ? "second"
          : new Promise((resolve) => {
              signal.addEventListener("abort", () => {
                aborted.push(attempt);
                resolve("first");
              });
            }),
      { maxConcurrency: 2 },
    );
    const task = orchestrator.submit({ capability: "work" });
    await settled();
    orchestrator.expire(task.id);
    await settled();
    expect(aborted).toEqual([1]);
    expect(orchestrator.accepted).toMatchObject([{ outcome: { output: "second" } }]);
  });
});

describe("stopping", () => {
  it("finishes what is in hand, takes no more, and leaves", async () => {
    const orchestrator = new FakeOrchestrator();
    const open = gate<string>();
    const { agent } = await startTestAgent(orchestrator, () => open.promise, { maxConcurrency: 2 });
    const task = orchestrator.submit({ capability: "work" });
    await settled();
    const stopping = agent.stop();
    const late = orchestrator.submit({ capability: "work" });
    await settled();
    open.open("finished");
    await stopping;
    expect(task.output).toBe("finished");
    expect(late.status).not.toBe("completed");
    expect(orchestrator.requests.map(({ operation }) => operation)).toEqual(["heartbeat", "settle", "leave"]);
    expect(orchestrator.requests[0]?.body.status).toBe("busy");
  });

  it("aborts what is not finished after the grace", async () => {
    const orchestrator = new FakeOrchestrator();
    let aborted = false;
    const { agent, clock } = await startTestAgent(orchestrator, ({ signal }) => {
      signal.addEventListener("abort", () => {
        aborted = true;
      });
      return new Promise(() => {});
    });
    orchestrator.submit({ capability: "work" });
    await settled();
    const stopping = agent.stop(500);
    await clock.advance(500);
    await stopping;
    expect(aborted).toBe(true);
    expect(orchestrator.agents.size).toBe(0);
  });
});
