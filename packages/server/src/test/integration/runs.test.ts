import type { RunDetail } from "@muster/sdk";
import { beforeEach, describe, expect, it } from "vitest";
import { someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator();
let broken: Set<string>;
beforeEach(async () => {
  broken = new Set();
  await at.muster.agent({
    name: "worker",
    maxConcurrency: 8,
    capabilities: [
      { name: "echo", handler: (ctx) => ctx.input },
      {
        name: "check",
        handler: (ctx) => {
          if (broken.has(ctx.input as string)) {
            throw Object.assign(new Error(`${ctx.input} is broken`), { code: "broken", retryable: false });
          }
          return ctx.input;
        },
      },
    ],
  });
});

async function run(
  steps: object,
  more: object = {},
  inputs: Record<string, unknown> = {},
): Promise<RunDetail> {
  const { runs } = at.muster.orchestrator;
  const { id } = await runs.start({ workflow: { name: "test", steps, ...more }, inputs }, someone);
  return runs.wait(id, 10_000, someone);
}
const statuses = (detail: RunDetail) =>
  Object.fromEntries(detail.steps.map((step) => [step.name, step.status]));

const words = { list: { capability: "echo", with: ["a", "b", "c"] } };
const fanOut = {
  capability: "check",
  needs: "list",
  "for-each": "${{ steps.list.output }}",
  with: "${{ item }}",
};

describe("a run", () => {
  it("passes outputs along, fans out in order and shapes its output", async () => {
    const detail = await run(
      {
        ...words,
        each: { ...fanOut, output: "${{ result.map(r, r + '!') }}" },
        join: {
          capability: "echo",
          needs: "each",
          with: { all: "${{ steps.each.output }}", n: "${{ size(steps.each.output) }}" },
        },
      },
      {
        output: { all: "${{ steps.join.output.all }}", who: "${{ inputs.who }}" },
        inputs: { who: { type: "string" } },
      },
      { who: "me" },
    );
    expect(detail).toMatchObject({
      status: "completed",
      output: { all: ["a!", "b!", "c!"], who: "me" },
      error: null,
    });
    expect(detail.tasks).toHaveLength(5);
    expect(detail.tasks.filter((task) => task.step === "each").map((task) => task.index)).toEqual([0, 1, 2]);
    const events = await at.muster.orchestrator.events.read(0, { runId: detail.id }, someone);
    expect(events[0]?.type).toBe("run.started");
    expect(events.at(-1)?.type).toBe("run.completed");
    expect(events.filter((event) => event.type === "run.step.finished").map((e) => e.data.step)).toEqual([
      "list",
      "each",
      "join",
    ]);
  });

  it("skips a step whose condition is false, and what needs it", async () => {
    const detail = await run({
      a: { capability: "echo", when: "1 > 2" },
      b: { capability: "echo", needs: "a" },
      c: { capability: "echo", needs: "a", join: "settled", with: "${{ steps.a.status }}" },
    });
    expect(statuses(detail)).toEqual({ a: "skipped", b: "skipped", c: "completed" });
    expect(detail).toMatchObject({ status: "completed", output: { b: null, c: "skipped" } });
  });

  it("fans out over nothing", async () => {
    const detail = await run({
      none: { capability: "echo", "for-each": [], with: "${{ item }}" },
      after: { capability: "echo", needs: "none", with: "${{ size(steps.none.output) }}" },
    });
    expect(detail).toMatchObject({ status: "completed", output: { after: 0 } });
  });

  it("fails with the step and the reason when a step fails", async () => {
    broken.add("b");
    const detail = await run({ ...words, each: fanOut, after: { capability: "echo", needs: "each" } });
    expect(statuses(detail)).toEqual({ list: "completed", each: "failed", after: "failed" });
    expect(detail.error?.message).toBe(
      "Step each failed: 1 of 3 tasks failed, the first with broken: b is broken",
    );
    expect(detail.steps[2]?.reason).toBe("it needs each, which failed");
  });

  it("goes on with partial results where a step joins with settled", async () => {
    broken.add("b");
    const detail = await run({
      ...words,
      each: fanOut,
      report: { capability: "echo", needs: "each", join: "settled", with: "${{ steps.each.output }}" },
    });
    expect(detail).toMatchObject({ status: "completed", output: { report: ["a", null, "c"] } });
  });

  it("runs a step on the first success where it joins with any", async () => {
    broken.add("bad");
    const detail = await run({
      bad: { capability: "check", with: "bad" },
      good: { capability: "check", with: "good" },
      first: { capability: "echo", needs: ["bad", "good"], join: "any", with: "went on" },
    });
    expect(detail).toMatchObject({ status: "completed", output: { first: "went on" } });
  });

  it("fails, not hangs, when an expression can't be evaluated", async () => {
    const detail = await run({
      list: { capability: "echo", with: { a: 1 } },
      each: {
        capability: "echo",
        needs: "list",
        "for-each": "${{ steps.list.output.a }}",
        with: "${{ item }}",
      },
    });
    expect(detail.status).toBe("failed");
    expect(detail.steps[1]).toMatchObject({ status: "failed", reason: expect.stringContaining("list") });
  });

  it("is refused whole when the workflow or the inputs are wrong", async () => {
    const start = (workflow: object, inputs = {}) =>
      at.muster.orchestrator.runs.start({ workflow, inputs }, someone);
    const looped = {
      name: "x",
      steps: { a: { capability: "echo", needs: "b" }, b: { capability: "echo", needs: "a" } },
    };
    await expect(start(looped)).rejects.toMatchObject({ code: "invalid_workflow" });
    const wanting = { name: "x", inputs: { n: { type: "integer" } }, steps: { a: { capability: "echo" } } };
    await expect(start(wanting)).rejects.toMatchObject({ code: "invalid_input" });
    await expect(start(wanting, { n: "1" })).rejects.toMatchObject({ code: "invalid_input" });
    expect((await at.muster.orchestrator.runs.list({}, someone)).items).toEqual([]);
  });

  it("starts once per idempotency key", async () => {
    const request = { workflow: { name: "x", steps: { a: { capability: "echo" } } }, idempotencyKey: "once" };
    const [first, second] = await Promise.all(
      [1, 2].map(() => at.muster.orchestrator.runs.start(request, someone)),
    );
    expect(first?.id).toBe(second?.id);
  });
});

describe("a failed run, retried", () => {
  it("goes on from the failed step: what completed is not done again, what follows is", async () => {
    broken.add("b");
    const failed = await run({
      ...words,
      each: fanOut,
      report: { capability: "echo", needs: "each", join: "settled", with: "${{ steps.each.output }}" },
      strict: { capability: "echo", needs: "each", with: "done" },
    });
    // The report dealt with the failure, but the other step did not.
    expect(statuses(failed)).toEqual({
      list: "completed",
      each: "failed",
      report: "completed",
      strict: "failed",
    });
    expect(failed.error?.message).toBe("Step strict failed: it needs each, which failed");
    broken.clear();
    await at.muster.orchestrator.runs.retry(failed.id, someone);
    const again = await at.muster.orchestrator.runs.wait(failed.id, 10_000, someone);
    expect(again).toMatchObject({ status: "completed", output: { report: ["a", "b", "c"], strict: "done" } });
    const attempts = again.tasks.filter((task) => task.step === "each").map((task) => task.attempts);
    expect(attempts).toEqual([1, 2, 1]);
  });

  it("can't be retried while it runs or when it completed", async () => {
    const done = await run({ a: { capability: "echo" } });
    await expect(at.muster.orchestrator.runs.retry(done.id, someone)).rejects.toMatchObject({
      code: "not_retryable",
    });
    await expect(at.muster.orchestrator.runs.cancel(done.id, someone)).rejects.toMatchObject({
      code: "not_cancellable",
    });
  });
});

describe("a run, cancelled", () => {
  it("stops its agents, starts nothing more and can be retried", async () => {
    let hang = true;
    await at.muster.agent({
      name: "hanger",
      capabilities: [
        {
          name: "hang",
          handler: (ctx) =>
            hang
              ? new Promise((_, reject) =>
                  ctx.signal.addEventListener("abort", () => reject(new Error("stopped"))),
                )
              : "done",
        },
      ],
    });
    const { runs, tasks } = at.muster.orchestrator;
    const steps = { a: { capability: "hang" }, b: { capability: "echo", needs: "a" } };
    const { id } = await runs.start({ workflow: { name: "test", steps } }, someone);
    await expect
      .poll(async () => (await tasks.list({ status: "in_progress" }, someone)).items.length)
      .toBe(1);
    const report = await runs.cancel(id, someone);
    expect(report.stopped.map((stop) => stop.agent)).toEqual(["hanger"]);
    const detail = await runs.get(id, someone);
    expect(detail.status).toBe("cancelled");
    expect(statuses(detail)).toEqual({ a: "cancelled", b: "cancelled" });
    hang = false;
    await runs.retry(id, someone);
    expect((await runs.wait(id, 10_000, someone)).status).toBe("completed");
  });
});
