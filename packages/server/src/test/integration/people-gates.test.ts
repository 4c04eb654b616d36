import { describe, expect, it } from "vitest";
import { root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator();

/** A run whose second step needs a yes, and what its agent did. */
async function startRun(approve: unknown, items?: readonly string[]) {
  const done: unknown[] = [];
  const { orchestrator, agent } = at.muster;
  await agent({
    name: "deployer",
    capabilities: [
      { name: "build", handler: () => "v1" },
      { name: "deploy", handler: ({ input }) => done.push(input) },
    ],
  });
  const deploy = {
    capability: "deploy",
    needs: "build",
    approve,
    with: items === undefined ? "${{ steps.build.output }}" : "${{ item }}",
    ...(items === undefined ? {} : { "for-each": items }),
  };
  const workflow = { name: "ship", steps: { build: { capability: "build" }, deploy } };
  const { id } = await orchestrator.runs.start({ workflow }, someone);
  const gate = async () => (await orchestrator.inbox.list({ runId: id }, root)).items[0];
  await expect.poll(gate).toBeDefined();
  const item = await gate();
  return { done, id, item, gateId: item?.taskId as string, ...orchestrator };
}

describe("a step that needs a yes", () => {
  it("hands out its task once a person approved", async () => {
    const { done, id, item, gateId, inbox, runs } = await startRun({
      question: "Ship ${{ steps.build.output }}?",
    });
    expect(item).toMatchObject({
      kind: "approval",
      question: "Ship v1?",
      input: { workflow: "ship", step: "deploy", tasks: 1, inputs: ["v1"] },
    });
    expect(done).toEqual([]);
    await inbox.answer(gateId, { answer: { approved: true } }, root);
    const run = await runs.wait(id, 15_000, root);
    expect(run).toMatchObject({ status: "completed" });
    expect(run.steps[1]?.tasks).toEqual({ total: 1, completed: 1, failed: 0 });
    expect(done).toEqual(["v1"]);
  });

  it("asks once for all tasks of a fan-out", async () => {
    const { done, id, gateId, inbox, runs } = await startRun(true, ["a", "b", "c"]);
    expect((await inbox.list({}, root)).items).toHaveLength(1);
    await inbox.answer(gateId, { answer: { approved: true } }, root);
    expect(await runs.wait(id, 15_000, root)).toMatchObject({ status: "completed" });
    expect(done.sort()).toEqual(["a", "b", "c"]);
  });

  it("fails with the words of who said no, leaves no dead letter, and asks anew when the run is retried", async () => {
    const { done, id, gateId, inbox, runs, deadLetters, tasks } = await startRun(true);
    const answer = { approved: false, reason: "not on a Friday" };
    expect(await inbox.answer(gateId, { answer }, root)).toMatchObject({ status: "cancelled" });
    const failed = await runs.wait(id, 15_000, root);
    expect(failed.status).toBe("failed");
    expect(failed.steps[1]?.reason).toContain("did not approve it: not on a Friday");
    expect((await deadLetters.list({}, root)).items).toEqual([]);
    const [task] = (await tasks.list({ runId: id, capability: "deploy" }, root)).items;
    await expect(tasks.retry(task?.id as string, root)).rejects.toMatchObject({ code: "not_retryable" });
    await runs.retry(id, root);
    const again = async () => (await inbox.list({ runId: id }, root)).items[0]?.taskId;
    await expect.poll(again).toBeDefined();
    expect(await again()).not.toBe(gateId);
    expect(done).toEqual([]);
    await inbox.answer((await again()) as string, { answer: { approved: true } }, root);
    expect(await runs.wait(id, 15_000, root)).toMatchObject({ status: "completed" });
    expect(done).toEqual(["v1"]);
  });

  it("is over with its run: a cancelled one asks nobody any more", async () => {
    const { id, gateId, inbox, runs } = await startRun(true);
    await runs.cancel(id, root);
    expect((await inbox.list({}, root)).items).toEqual([]);
    await expect(inbox.answer(gateId, { answer: { approved: true } }, root)).rejects.toMatchObject({
      code: "conflict",
    });
  });

  it("does not run when nobody answers in time", async () => {
    const { done, id, runs } = await startRun({ expire: "1s" });
    const run = await runs.wait(id, 15_000, root);
    expect(run.status).toBe("failed");
    expect(run.steps[1]?.reason).toContain("Nobody answered in time");
    expect(done).toEqual([]);
  });
});
