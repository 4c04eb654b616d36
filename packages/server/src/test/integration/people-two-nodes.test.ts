import { MusterError } from "@muster/sdk/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../ports/database.ts";
import { emptyDatabase, freshDatabase, orchestrate, root, someone } from "../orchestrate.ts";
import { startTwoNodes, type TwoNodes } from "../two-nodes.ts";

let database: Database;
let nodes: TwoNodes;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await emptyDatabase(database);
  nodes = await startTwoNodes(database);
});
afterEach(() => nodes.stop());

const outcome = (work: Promise<unknown>) =>
  work.then(
    () => "taken",
    (error: unknown) => (error instanceof MusterError ? error.code : String(error)),
  );

describe("an inbox at two nodes", () => {
  it("takes one of two answers that are given at the same moment, and keeps that one", async () => {
    const [one, other] = [nodes.one.orchestrator, nodes.other.orchestrator];
    const asked = await one.tasks.submit(
      Array.from({ length: 20 }, (_, index) => ({ ask: { text: `Question ${index}` } })),
      someone,
    );
    const pairs = await Promise.all(
      asked.map(({ id }) =>
        Promise.all([
          outcome(one.inbox.answer(id, { answer: "one" }, root)),
          outcome(other.inbox.answer(id, { answer: "other" }, root)),
        ]),
      ),
    );
    for (const [index, pair] of pairs.entries()) {
      expect([...pair].sort()).toEqual(["conflict", "taken"]);
      const id = asked[index]?.id as string;
      const winner = pair[0] === "taken" ? "one" : "other";
      expect(await other.tasks.get(id, root)).toMatchObject({ status: "completed", output: winner });
      const answers = (await one.events.read(0, { taskId: id, types: ["inbox.answered"] }, root)).length;
      expect(answers).toBe(1);
    }
  });

  it("gives a claim to one of two who want it at the same moment", async () => {
    const [one, other] = [nodes.one.orchestrator, nodes.other.orchestrator];
    for (const name of ["anna", "ben"]) await one.people.put({ name }, root);
    const asked = await one.tasks.submit(
      Array.from({ length: 20 }, (_, index) => ({ ask: { text: `Question ${index}` } })),
      someone,
    );
    const pairs = await Promise.all(
      asked.map(({ id }) =>
        Promise.all([
          outcome(one.inbox.claim(id, { as: "anna" }, root)),
          outcome(other.inbox.claim(id, { as: "ben" }, root)),
        ]),
      ),
    );
    for (const [index, pair] of pairs.entries()) {
      expect([...pair].sort()).toEqual(["conflict", "taken"]);
      const { claimedBy } = await one.inbox.get(asked[index]?.id as string, root);
      expect(claimedBy).toBe(pair[0] === "taken" ? "anna" : "ben");
    }
  });

  it("wakes the agent at one node when the answer is given at the other", async () => {
    await nodes.one.agent({
      name: "asker",
      capabilities: [{ name: "ask", handler: (task) => task.ask("well?") }],
    });
    const done = nodes.one.finish({ capability: "ask", input: {} });
    const { inbox } = nodes.other.orchestrator;
    await expect.poll(async () => (await inbox.list({}, root)).items.length).toBe(1);
    const id = (await inbox.list({}, root)).items[0]?.taskId as string;
    await inbox.answer(id, { answer: "yes" }, root);
    expect((await done)[0]).toMatchObject({ status: "completed", output: "yes" });
  });
});

describe("a crash in the middle of an answer", () => {
  it("leaves all of it or nothing, wherever it strikes, and a second try finds out which", async () => {
    let left = Number.POSITIVE_INFINITY;
    const failing: Database = {
      ...database,
      transaction: (work) =>
        database.transaction((tx) =>
          work({
            ...tx,
            query: (statement, parameters) => {
              if (--left < 0) throw new Error("the process died");
              return tx.query(statement, parameters);
            },
          }),
        ),
    };
    const broken = await orchestrate(failing);
    const { inbox, tasks } = nodes.one.orchestrator;
    const [asked] = await tasks.submit([{ ask: { text: "Well?" } }], someone);
    const id = asked?.id as string;
    let tries = 0;
    for (let given = "no"; given !== "taken"; tries++) {
      left = tries;
      given = await outcome(broken.orchestrator.inbox.answer(id, { answer: "yes" }, root));
      if (given === "taken") break;
      expect(given).toContain("the process died");
      expect(await tasks.get(id, root)).toMatchObject({ status: "ready", agent: null });
      expect((await nodes.one.orchestrator.events.read(0, { taskId: id }, root)).length).toBe(1);
    }
    left = Number.POSITIVE_INFINITY;
    expect(tries).toBeGreaterThanOrEqual(4);
    expect(await tasks.get(id, root)).toMatchObject({ status: "completed", output: "yes" });
    expect(await outcome(inbox.answer(id, { answer: "again" }, root))).toBe("conflict");
    await broken.stop();
  });
});
