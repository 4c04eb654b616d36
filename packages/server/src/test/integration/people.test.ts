import type { AgentDefinition } from "@muster/sdk";
import { MusterError, type TaskSubmission } from "@muster/sdk/protocol";
import { describe, expect, it } from "vitest";
import { root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const fixture = useOrchestrator();
const start = () => fixture.muster;

const code = (work: Promise<unknown>) =>
  work.then(
    () => "no error",
    (error: unknown) => (error instanceof MusterError ? error.code : String(error)),
  );

type Handler = NonNullable<AgentDefinition["capabilities"]>[number]["handler"];

/** An agent of these handlers, each under its capability. */
const agentOf = (handlers: Record<string, Handler>, maxConcurrency = 1): AgentDefinition => ({
  name: "agent",
  maxConcurrency,
  capabilities: Object.entries(handlers).map(([name, handler]) => ({ name, handler })),
});

describe("people and their inbox", () => {
  it("answers a question of an agent, whose slot is free meanwhile and whose handler goes on", async () => {
    const { orchestrator, agent, finish } = start();
    const { inbox } = orchestrator;
    await agent(
      agentOf({
        buy: async (task) => {
          const amount = await task.ask<{ amount: number }>("How many?", {
            type: "object",
            properties: { amount: { type: "integer", minimum: 1 } },
            required: ["amount"],
          });
          return { bought: amount.amount };
        },
        quick: async () => "free",
      }),
    );
    const bought = finish({ capability: "buy", input: {} });
    await expect.poll(async () => (await inbox.list({}, root)).items.length).toBe(1);
    const [item] = (await inbox.list({}, root)).items;
    expect(item).toMatchObject({ kind: "question", question: "How many?", claimedBy: null });
    expect((await finish({ capability: "quick", input: {} }))[0]?.output).toBe("free");
    const taskId = item?.taskId as string;
    expect(await code(inbox.answer(taskId, { answer: { amount: 0 } }, root))).toBe("invalid_input");
    expect(await inbox.answer(taskId, { answer: { amount: 3 } }, root)).toMatchObject({
      status: "completed",
      by: "admin:test",
    });
    expect(await code(inbox.answer(taskId, { answer: { amount: 4 } }, root))).toBe("conflict");
    expect((await bought)[0]).toMatchObject({ status: "completed", output: { bought: 3 } });
    expect(await inbox.share(60_000, root)).toMatchObject({
      finished: 2,
      withPeople: 1,
      share: 0.5,
      waiting: 0,
    });
  });

  it("never mixes parallel questions of one task", async () => {
    const { orchestrator, agent, finish } = start();
    await agent(
      agentOf({
        both: async (task) => {
          const [left, right, yes] = await Promise.all([
            task.ask("left?"),
            task.ask("right?"),
            task.approve("sure?"),
          ]);
          return { left, right, yes };
        },
      }),
    );
    const done = finish({ capability: "both", input: {} });
    const { inbox } = orchestrator;
    await expect.poll(async () => (await inbox.list({}, root)).items.length).toBe(3);
    const { items } = await inbox.list({}, root);
    const of = (question: string) => items.find((item) => item.question === question)?.taskId as string;
    await inbox.answer(of("right?"), { answer: "R" }, root);
    await inbox.answer(of("sure?"), { answer: { approved: true } }, root);
    await inbox.answer(of("left?"), { answer: "L" }, root);
    expect((await done)[0]?.output).toEqual({ left: "L", right: "R", yes: { approved: true } });
  });

  it("holds a claim against others, and lets go of it when its time is over", async () => {
    const { orchestrator } = start();
    const { inbox, people, tasks } = orchestrator;
    for (const name of ["anna", "ben"]) await people.put({ name }, root);
    const [asked] = await tasks.submit([{ ask: { text: "Who?" } }], someone);
    const id = asked?.id as string;
    await inbox.claim(id, { as: "anna", claimMs: 1_000 }, root);
    expect(await code(inbox.claim(id, { as: "ben" }, root))).toBe("conflict");
    expect(await code(inbox.answer(id, { as: "ben", answer: "me" }, root))).toBe("conflict");
    await expect.poll(async () => (await inbox.get(id, root)).claimedBy).toBe(null);
    expect(await inbox.answer(id, { as: "ben", answer: "me" }, root)).toMatchObject({ by: "ben" });
    expect(await tasks.get(id, root)).toMatchObject({ status: "completed", agent: "ben", output: "me" });
  });

  it("gives what one declines to others, then to whom it escalates, and fails where nobody is left", async () => {
    const { orchestrator } = start();
    const { inbox, people, tasks } = orchestrator;
    for (const name of ["anna", "ben", "boss"])
      await people.put({ name, capabilities: [{ name: name === "boss" ? "lead" : "review" }] }, root);
    const [asked] = await tasks.submit(
      [
        {
          ask: {
            text: "Good?",
            to: { capability: "review" },
            escalateMs: 600_000,
            escalateTo: { person: "boss" },
          },
        },
      ],
      someone,
    );
    const id = asked?.id as string;
    const listOf = async (as: string) => (await inbox.list({ as }, root)).items.map((item) => item.taskId);
    expect(await code(inbox.answer(id, { as: "boss", answer: "x" }, root))).toBe("forbidden");
    expect(await listOf("boss")).toEqual([]);
    expect(await inbox.decline(id, { as: "anna", reason: "holiday" }, root)).toMatchObject({
      status: "open",
    });
    expect(await listOf("anna")).toEqual([]);
    expect(await listOf("ben")).toEqual([id]);
    expect(await inbox.decline(id, { as: "ben" }, root)).toMatchObject({ status: "open" });
    expect(await listOf("boss")).toEqual([id]);
    expect(await inbox.decline(id, { as: "boss", reason: "no idea" }, root)).toMatchObject({
      status: "failed",
    });
    expect((await tasks.get(id, root)).error).toMatchObject({ code: "declined" });
  });

  it("delegates to another person, who alone may answer then", async () => {
    const { orchestrator } = start();
    const { inbox, people, tasks } = orchestrator;
    for (const name of ["anna", "ben"]) await people.put({ name }, root);
    const [asked] = await tasks.submit([{ ask: { text: "Which?", to: { person: "anna" } } }], someone);
    const id = asked?.id as string;
    expect(await code(inbox.delegate(id, { as: "anna", to: { person: "nobody" } }, root))).toBe("not_found");
    await inbox.delegate(id, { as: "anna", to: { person: "ben" } }, root);
    expect(await code(inbox.answer(id, { as: "anna", answer: "x" }, root))).toBe("forbidden");
    expect(await inbox.answer(id, { as: "ben", answer: "b" }, root)).toMatchObject({ status: "completed" });
  });

  it("reminds, escalates and expires by the time, with the default as the answer", async () => {
    const { orchestrator } = start();
    const { inbox, people, tasks, events } = orchestrator;
    for (const name of ["anna", "boss"]) await people.put({ name }, root);
    const ask = {
      text: "Go?",
      to: { person: "anna" },
      remindMs: 1_000,
      escalateMs: 1_000,
      escalateTo: { person: "boss" },
      expireMs: 2_500,
    };
    const submissions: TaskSubmission[] = [{ ask: { ...ask, default: "later" } }, { ask }];
    const [withDefault, without] = await tasks.submit(submissions, someone);
    const listed = async () => (await inbox.list({ as: "boss" }, root)).items.length;
    await expect.poll(listed).toBe(2);
    const ended = await tasks.wait(withDefault?.id as string, 15_000, root);
    expect(ended).toMatchObject({ status: "completed", output: "later" });
    const failed = await tasks.wait(without?.id as string, 15_000, root);
    expect(failed).toMatchObject({ status: "failed", error: { code: "expired" } });
    const told = (await events.read(0, { taskId: ended.id }, root)).map((event) => event.type);
    for (const type of ["inbox.reminded", "inbox.escalated", "inbox.expired", "task.completed"] as const)
      expect(told).toContain(type);
  });

  it("asks anew what is retried by hand, of those who declined it too", async () => {
    const { orchestrator } = start();
    const { inbox, people, tasks } = orchestrator;
    await people.put({ name: "anna" }, root);
    const [asked] = await tasks.submit([{ ask: { text: "Now?", to: { person: "anna" } } }], someone);
    const id = asked?.id as string;
    expect(await inbox.decline(id, { as: "anna" }, root)).toMatchObject({ status: "failed" });
    await tasks.retry(id, root);
    const [item] = (await inbox.list({ as: "anna" }, root)).items;
    expect(item).toMatchObject({ taskId: id, declinedBy: [], expiresAt: expect.any(String) });
    expect(await inbox.answer(id, { as: "anna", answer: "yes" }, root)).toMatchObject({
      status: "completed",
    });
  });

  it("cancels open questions with the task that asked, after which no answer is taken", async () => {
    const { orchestrator, agent } = start();
    const { inbox, tasks } = orchestrator;
    await agent(agentOf({ ask: async (task) => task.ask("well?") }));
    const [parent] = await tasks.submit([{ capability: "ask", input: {} }], someone);
    await expect.poll(async () => (await inbox.list({}, root)).items.length).toBe(1);
    const id = (await inbox.list({}, root)).items[0]?.taskId as string;
    await tasks.cancel(parent?.id as string, root);
    expect(await code(inbox.answer(id, { answer: "late" }, root))).toBe("conflict");
    expect((await tasks.get(id, root)).status).toBe("cancelled");
  });

  it("lets time stand still for a task that asks and for those above it, and gives each its timeout anew", async () => {
    const { orchestrator, agent, finish } = start();
    const { inbox } = orchestrator;
    const timeoutMs = 60_000;
    await agent(
      agentOf(
        {
          outer: async (task) => task.delegate("inner", {}, { timeoutMs }),
          inner: async (task) => task.ask("patience?"),
        },
        2,
      ),
    );
    const times = async () =>
      fixture.database.query(
        {
          name: "test_times",
          text: "select status, (timeout_at - created_at)::float8 as after from task where capability in ('outer', 'inner')",
        },
        [],
      ) as Promise<{ status: string; after: number }[]>;
    const done = finish({ capability: "outer", input: {}, timeoutMs });
    const weekMs = 7 * 24 * 3_600_000;
    await expect
      .poll(
        async () => (await times()).filter((task) => task.after > weekMs && task.status === "waiting").length,
      )
      .toBe(2);
    const id = (await inbox.list({}, root)).items[0]?.taskId as string;
    await inbox.answer(id, { answer: "yes" }, root);
    expect((await done)[0]).toMatchObject({ status: "completed", output: "yes", attempts: 1 });
    expect((await times()).filter((task) => task.after > weekMs)).toEqual([]);
  });

  it("keeps a task for a person's capability in the inbox, and takes it from agents while it is claimed", async () => {
    const { orchestrator, agent } = start();
    const { inbox, people, tasks } = orchestrator;
    await people.put(
      {
        name: "anna",
        capabilities: [{ name: "sign", outputSchema: { type: "object", required: ["signed"] } }],
      },
      root,
    );
    const [first, second] = await tasks.submit(
      [
        { capability: "sign", input: { page: 1 } },
        { capability: "sign", input: { page: 2 } },
      ],
      someone,
    );
    const [one, two] = [first?.id as string, second?.id as string];
    expect((await inbox.list({ as: "anna" }, root)).items.map((item) => item.taskId)).toEqual([one, two]);
    expect(await tasks.explain(one, root)).toMatchObject({ summary: "It waits in the inbox for a person." });
    expect(await tasks.deadlocks(root)).toEqual([]);
    await inbox.claim(one, { as: "anna" }, root);
    await agent(agentOf({ sign: async () => ({ signed: "robot" }) }));
    expect(await tasks.wait(two, 15_000, root)).toMatchObject({ output: { signed: "robot" } });
    expect((await tasks.get(one, root)).status).toBe("ready");
    expect(await code(inbox.answer(one, { as: "anna", answer: {} }, root))).toBe("invalid_input");
    await inbox.release(one, { as: "anna" }, root);
    expect(await tasks.wait(one, 15_000, root)).toMatchObject({ output: { signed: "robot" } });
  });
});
