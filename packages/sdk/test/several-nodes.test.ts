import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createAgent } from "../src/agent/create-agent.ts";
import type { Client } from "../src/client/client.ts";
import { createClient } from "../src/client/create-client.ts";
import { FakeOrchestrator } from "./fake-orchestrator.ts";
import { apiKey, FakeServer } from "./fake-server.ts";

const soon = { timeout: 5_000, interval: 5 };
/** Everybody begins with the first node. */
const random = { next: () => 0 };

let orchestrator: FakeOrchestrator;
let first: FakeServer;
let second: FakeServer;
let url: string[];
let client: Client;
beforeEach(async () => {
  orchestrator = new FakeOrchestrator({ heartbeatMs: 100 });
  first = await new FakeServer(orchestrator).start();
  second = await new FakeServer(orchestrator).start();
  url = [first.url, second.url];
  client = createClient({ url, apiKey, random });
});
afterEach(async () => {
  await first.stop();
  await second.stop();
});

describe("a client that knows several nodes", () => {
  it("asks the other one when the first is gone, without a pause, and stays there", async () => {
    const pauses: number[] = [];
    const patient = createClient({ url, apiKey, random, clock: recordingClock(pauses) });
    await first.stop();
    const { id } = await patient.tasks.submit({ capability: "work" });
    await patient.tasks.cancel(id);
    await patient.info();
    expect(pauses).toEqual([]);
    expect(second.seen).toEqual(["POST /v1/tasks", `POST /v1/tasks/${id}/cancel`, "GET /v1/info"]);
  });

  it("takes them from one text, too, and refuses what is no address", async () => {
    await first.stop();
    await createClient({ url: url.join(", "), apiKey, random }).info();
    expect(second.seen).toEqual(["GET /v1/info"]);
    for (const wrong of [[], "", `${first.url},nonsense`]) {
      expect(() => createClient({ url: wrong, apiKey })).toThrow("address of a Muster server");
    }
  });

  it("sends a cancel that somebody may have seen no second time", async () => {
    const { id } = await client.tasks.submit({ capability: "work" });
    first.after = ({ path }) => !path.endsWith("/cancel");
    await expect(client.tasks.cancel(id)).rejects.toMatchObject({ code: "unavailable" });
    expect(second.seen).toEqual([]);
  });

  it("gives up when none of them is there", async () => {
    await first.stop();
    await second.stop();
    const quick = createClient({ url, apiKey, random, clock: recordingClock([]) });
    await expect(quick.info()).rejects.toMatchObject({ code: "unavailable" });
  });

  it("goes on waiting for a task at another one", async () => {
    const { id } = await client.tasks.submit({ capability: "work" });
    const waiting = client.tasks.wait(id, { timeoutMs: 10_000 });
    await vi.waitFor(() => expect(first.seen).toContain(`GET /v1/tasks/${id}`), soon);
    await first.stop();
    await vi.waitFor(() => expect(second.seen).toContain(`GET /v1/tasks/${id}`), soon);
    orchestrator.finish(id, "done");
    expect(await waiting).toMatchObject({ status: "completed" });
  });

  it("goes on watching at another one behind the last event that it saw", async () => {
    const shared = [first, second];
    const emit = () => shared.map((server) => server.emit("task.ready"));
    emit();
    const seen: number[] = [];
    const watching = (async () => {
      for await (const { seq } of client.events.follow({ after: 0 })) if (seen.push(seq) >= 3) break;
    })();
    await vi.waitFor(() => expect(seen).toEqual([1]), soon);
    await first.stop();
    emit();
    emit();
    await watching;
    expect(seen).toEqual([1, 2, 3]);
  });
});

describe.each(["websocket", "http"] as const)("an agent over %s", (transport) => {
  it("goes to another node with its session and its task", async () => {
    let started = false;
    let finish = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const hold = async () => {
      started = true;
      await held;
      return "kept";
    };
    const problems: Error[] = [];
    const agent = createAgent(
      { name: "mover", capabilities: [{ name: "hold", handler: hold }] },
      { random, onProblem: (problem) => problems.push(problem) },
    );
    await agent.start({ url, apiKey, transport });
    const task = orchestrator.submit({ capability: "hold" });
    // Handed out is not enough: what the node had not delivered would go with it.
    await vi.waitFor(() => expect(started).toBe(true), soon);
    await first.stop();
    finish();
    await vi.waitFor(
      () => expect(task).toMatchObject({ status: "completed", output: "kept", attempt: 1 }),
      soon,
    );
    await agent.stop(100);
  });
});

/** Keeps each pause between two tries instead of making it; what guards an answer takes its time. */
const recordingClock = (pauses: number[]) => ({
  now: () => performance.now(),
  setTimer(delayMs: number, work: () => void) {
    const isPause = delayMs < 10_000;
    if (isPause) pauses.push(delayMs);
    const timer = setTimeout(work, isPause ? 0 : delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
});
