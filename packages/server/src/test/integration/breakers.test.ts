import { createAgent, type Event } from "@muster/sdk";
import { describe, expect, it } from "vitest";
import { createInProcessTransport } from "../../core/gateway/in-process-transport.ts";
import { root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

/** A busy machine takes its time. */
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 10_000 });

const at = useOrchestrator({
  policy: { minHealthScore: 0, maxLoadRatio: 1 },
  breaker: { failures: 3, coolDownMs: 300, mostCoolDownMs: 100_000, coolDownFactor: 100, timeoutsInARow: 3 },
});
const once = { maxAttempts: 1, delayMs: 1, jitter: 0 };
const work = { capability: "work", retry: once };

/** An agent that does what its script says next, and well when the script is over. */
async function worker(name: string, script: (() => unknown)[] = [], more: object = {}) {
  const seen: string[] = [];
  const agent = await at.muster.agent({
    name,
    id: name,
    maxConcurrency: 5,
    capabilities: [
      {
        name: "work",
        handler: async ({ taskId }) => {
          seen.push(taskId);
          return (await script.shift()?.()) ?? {};
        },
      },
    ],
    ...more,
  });
  return { agent, seen };
}
const fail = () => {
  throw new Error("out of order");
};
const times = (n: number) => Array.from({ length: n }, () => fail);

async function eventsOf(type: string): Promise<Event[]> {
  return at.muster.orchestrator.events.read(0, { types: [type as Event["type"]] }, root);
}

/** One after the other, since in a row is said of times. */
async function oneByOne(n: number, task: object = work) {
  const done = [];
  for (let i = 0; i < n; i++) done.push(...(await at.muster.finish({ ...work, ...task })));
  return done;
}

describe("a breaker", () => {
  it("opens after failures in a row, takes the agent out, and closes with the probe's success", async () => {
    await worker("weak", times(3));
    const done = await oneByOne(3, { retry: { ...once, maxAttempts: 2, delayMs: 1 } });
    // Twice an attempt was used up, and the second try of the second task opened the breaker.
    expect(done[0]?.status).toBe("failed");
    const [opened] = await eventsOf("breaker.opened");
    expect(opened).toMatchObject({
      agentId: "weak",
      data: { agent: "weak", cause: "failures", openings: 1 },
    });
    expect(done.slice(1).map((task) => task.status)).toEqual(["completed", "completed"]);
    const [half] = await eventsOf("breaker.half_opened");
    const [closed] = await eventsOf("breaker.closed");
    const started = (await eventsOf("task.started")).filter((e) => e.seq > (opened?.seq ?? 0));
    expect(started[0]?.seq).toBeGreaterThan(half?.seq as number);
    expect(Date.parse(started[0]?.at as string) - Date.parse(opened?.at as string)).toBeGreaterThanOrEqual(
      300,
    );
    expect(closed?.data).toMatchObject({ agent: "weak", from: "half_open" });
  });

  it("moves the task in hand to a fallback agent without using up an attempt", async () => {
    const weak = await worker("weak", times(3));
    const [a, b] = await oneByOne(2);
    expect([a?.status, b?.status]).toEqual(["failed", "failed"]);
    const [task] = await at.muster.orchestrator.tasks.submit([work], someone);
    await soon(() => weak.seen.length).toBe(3);
    const why = await at.muster.orchestrator.tasks.explain(task?.id as string, someone);
    expect(why.reasons.join()).toMatch(/weak \(weak\) has an open breaker; one task probes it in \d/);
    const strong = await worker("strong");
    const done = await at.muster.orchestrator.tasks.wait(task?.id as string, 10_000, someone);
    expect(done).toMatchObject({ status: "completed", agentId: "strong", attempts: 2, maxAttempts: 2 });
    expect(done.failedAttempts).toMatchObject([{ number: 1, agent: "weak" }]);
    expect(strong.seen).toEqual([task?.id]);
  });

  it("lets one task probe, whose failure opens it for longer", async () => {
    const weak = await worker("weak", times(4));
    await oneByOne(2);
    const [first] = await at.muster.orchestrator.tasks.submit([work], someone);
    await soon(() => eventsOf("breaker.opened")).toHaveLength(1);
    const others = await at.muster.orchestrator.tasks.submit([work, work, work], someone);
    await soon(() => eventsOf("breaker.opened")).toHaveLength(2);
    const [, second] = await eventsOf("breaker.opened");
    expect(second?.data).toMatchObject({ from: "half_open", cause: "probe", openings: 2 });
    expect((second?.data.retryAt as number) - Date.parse(second?.at as string)).toBe(30_000);
    // Three until it opened, and one probe; everything else waits.
    expect(weak.seen).toHaveLength(4);
    const tasks = await Promise.all(
      [first, ...others].map((task) => at.muster.orchestrator.tasks.get(task?.id as string, someone)),
    );
    // Whichever of them was the probe has used up its one attempt if it had been on this agent before.
    expect(tasks.filter(({ status }) => status === "ready").length).toBeGreaterThanOrEqual(3);
  });

  it("does not count what is not the agent's fault, nor time-outs unless they are all there is", async () => {
    await worker("weak", [
      ...Array.from({ length: 4 }, () => () => {
        throw Object.assign(new Error("what is this"), { code: "invalid_input" });
      }),
    ]);
    await oneByOne(4);
    expect(await eventsOf("breaker.opened")).toEqual([]);
    await worker(
      "slow",
      Array.from({ length: 3 }, () => () => new Promise(() => {})),
    );
    await oneByOne(3, { timeoutMs: 20, agent: "slow" });
    expect(await eventsOf("breaker.opened")).toMatchObject([
      { agentId: "slow", data: { cause: "timeouts" } },
    ]);
  });

  it("costs nothing while an agent is healthy, be its tasks ever so many", async () => {
    const asked: string[] = [];
    const { database } = at.muster.ports;
    const query = database.query.bind(database);
    database.query = (statement, parameters) => {
      asked.push(statement.name);
      return query(statement, parameters);
    };
    await worker("fine");
    await at.muster.finish(...Array.from({ length: 30 }, () => work));
    database.query = query;
    expect(
      asked.filter((name) => /breaker|probe/.test(name)).filter((name) => !/read|drop/.test(name)),
    ).toEqual([]);
  });
});

describe("a task that fell back", () => {
  it("does not come back while another agent is fit, and keeps nobody waiting", async () => {
    const weak = await worker("weak", times(3));
    await oneByOne(2);
    let letGo = () => {};
    const busy = () =>
      new Promise<object>((resolve) => {
        letGo = () => resolve({});
      });
    const strong = await worker("strong", [busy], { maxConcurrency: 1 });
    const { tasks, agents, breakers } = at.muster.orchestrator;
    await tasks.submit([{ ...work, agent: "strong" }], someone);
    await soon(() => strong.seen.length).toBe(1);
    const [first] = await tasks.submit([{ ...work, priority: "critical" as const }], someone);
    await soon(() => eventsOf("breaker.opened")).toHaveLength(1);
    await breakers.close("weak", { reason: "mended" }, root);
    // The way is free again, but only for others.
    const [behind] = await at.muster.finish(work);
    expect(behind).toMatchObject({ status: "completed", agentId: "weak" });
    expect((await tasks.get(first?.id as string, someone)).status).toBe("ready");
    expect(weak.seen.filter((id) => id === first?.id)).toHaveLength(1);
    // Now all others are out.
    await agents.setStatus("strong", "maintenance", root);
    await at.muster.finish(work);
    const done = await tasks.wait(first?.id as string, 10_000, someone);
    expect(done).toMatchObject({ status: "completed", agentId: "weak" });
    letGo();
  });

  it("uses up an attempt when it fails once more on the same agent, so that it ends", async () => {
    const weak = await worker("weak", times(100));
    await oneByOne(2);
    const [task] = await at.muster.orchestrator.tasks.submit([work], someone);
    for (let n = 3; n <= 4; n++) {
      await soon(() => weak.seen.length).toBe(n);
    }
    const done = await at.muster.orchestrator.tasks.wait(task?.id as string, 10_000, someone);
    expect(done).toMatchObject({ status: "failed", attempts: 2 });
  });
});

describe("by hand", () => {
  it("an agent gets no work until its breaker is closed, and everybody sees who said so and why", async () => {
    const { seen } = await worker("one");
    const { breakers, tasks } = at.muster.orchestrator;
    await breakers.open("one", { reason: "bad answers" }, { ...root, name: "ann" });
    const [task] = await tasks.submit([work], someone);
    const why = await tasks.explain(task?.id as string, someone);
    expect(why.reasons.join()).toContain("opened by hand (bad answers), until somebody closes it");
    expect(await breakers.list({ state: "open" }, someone)).toMatchObject([
      { agentId: "one", by: "ann", retryAt: null },
    ]);
    expect((await at.muster.orchestrator.agents.get("one", someone)).breaker).toBe("open");
    expect(seen).toEqual([]);
    await breakers.close("one", {}, root);
    await tasks.wait(task?.id as string, 10_000, someone);
    expect(await eventsOf("breaker.opened")).toMatchObject([
      { agentId: "one", data: { cause: "operator", by: "ann", reason: "bad answers" } },
    ]);
    expect(await eventsOf("breaker.closed")).toMatchObject([{ data: { by: root.name } }]);
    expect(await breakers.list({}, someone)).toMatchObject([{ agentId: "one", state: "closed" }]);
  });

  it("is for admins, of the agent's own tenant", async () => {
    const { breakers } = at.muster.orchestrator;
    await worker("shared");
    const transport = createInProcessTransport(at.muster.orchestrator, {
      tenant: "acme",
      role: "agent",
      name: "a",
    });
    const theirs = createAgent({ id: "theirs", name: "theirs", capabilities: [] });
    await theirs.start({ transport });
    const admin = (tenant: string) => ({ tenant, role: "admin" as const, name: tenant });
    const reason = { reason: "x" };
    await expect(breakers.open("theirs", reason, someone)).rejects.toMatchObject({ code: "forbidden" });
    await expect(breakers.open("theirs", reason, admin("other"))).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(breakers.get("theirs", admin("other"))).rejects.toMatchObject({ code: "not_found" });
    await expect(breakers.open("shared", reason, admin("acme"))).rejects.toMatchObject({ code: "forbidden" });
    await expect(breakers.open("nobody", reason, root)).rejects.toMatchObject({ code: "not_found" });
    await expect(breakers.open("shared", { reason: " " }, root)).rejects.toMatchObject({
      code: "invalid_request",
    });
    expect(await breakers.open("theirs", reason, admin("acme"))).toMatchObject({ state: "open" });
    const seen = async (tenant: string) =>
      (await breakers.list({}, admin(tenant))).map(({ agentId }) => agentId);
    expect([await seen("acme"), await seen("other")]).toEqual([["theirs", "shared"], ["shared"]]);
    await theirs.stop(0);
  });

  it("a breaker that is not closed takes no task over from the one before", async () => {
    let letGo = () => {};
    const busy = () =>
      new Promise<object>((resolve) => {
        letGo = () => resolve({});
      });
    const { seen } = await worker("one", [busy]);
    const { breakers, tasks } = at.muster.orchestrator;
    const link = { ...work, ref: "first" };
    const [, next] = await tasks.submit([link, { ...work, dependsOn: ["first"] }], someone);
    await soon(() => seen.length).toBe(1);
    await breakers.open("one", { reason: "enough" }, root);
    letGo();
    await soon(async () => (await tasks.get(next?.id as string, someone)).status).toBe("ready");
    expect(seen).toHaveLength(1);
  });
});
