import { type Message, type Priority, priorities, type TaskAssignment } from "@muster/sdk/protocol";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Database } from "../../ports/database.ts";
import { freshDatabase, root, someone } from "../orchestrate.ts";
import { readWholeLog } from "../simulation/read-log.ts";
import { testSeed } from "../test-seed.ts";
import { loneOrchestrator } from "./lone-orchestrator.ts";

let inner: Database;
beforeAll(async () => {
  inner = await freshDatabase();
});
afterAll(() => inner.close());

const workMs = 1_000;

interface Planned {
  priority: Priority;
  /** Place of an older task of the batch that it needs, if there is one. */
  needs: number;
}
const names = Object.keys(priorities) as Priority[];
const planned = fc.record({ priority: fc.constantFrom(...names), needs: fc.nat(20) });
/** Batches, each with the time before it in half seconds. */
const batches = fc.array(
  fc.record({ after: fc.nat(5), tasks: fc.array(planned, { minLength: 1, maxLength: 6 }) }),
  { minLength: 1, maxLength: 5 },
);

/** Works on one task at a time, and answers with the tasks that were started while a more urgent one was ready. */
async function findQueueJumpers(script: { after: number; tasks: Planned[] }[]): Promise<string[]> {
  const { orchestrator, database, clock } = await loneOrchestrator(inner, { leaseMs: 3_600_000 });
  await orchestrator.start();
  const receive = ({ type, payload }: Message): void => {
    if (type !== "task_request") return;
    const { taskId, leaseToken } = payload as TaskAssignment;
    const outcome = { status: "completed" };
    clock.setTimer(
      workMs,
      () => void orchestrator.gateway.request(agentId, "settle", { taskId, leaseToken, outcome }),
    );
  };
  const { agentId } = await orchestrator.gateway.register(
    { name: "one", maxConcurrency: 1, capabilities: [{ name: "work" }] },
    root,
    receive,
  );
  const priorityOf = new Map<string, number>();
  for (const { after, tasks } of script) {
    await clock.advance((after * workMs) / 2);
    const submissions = tasks.map(({ priority, needs }, place) => ({
      ref: `${place}`,
      capability: "work",
      priority,
      dependsOn: needs < place ? [`${needs}`] : [],
    }));
    const submitted = await orchestrator.tasks.submit(submissions, someone);
    for (const [place, { id }] of submitted.entries()) priorityOf.set(id, priorities[tasks[place]!.priority]);
  }
  await clock.advance((priorityOf.size + 1) * workMs);
  const stopped = orchestrator.stop();
  await clock.advance(0);
  await stopped;

  const jumpers: string[] = [];
  const readySince = new Map<string, number>();
  let started = 0;
  for (const { type, task_id, at, data } of await readWholeLog(database)) {
    if (task_id === null) continue;
    if (type === "task.ready" || data.status === "ready") readySince.set(task_id, at);
    // What more urgent work waits for is as urgent.
    if (type === "task.raised") priorityOf.set(task_id, data.to as number);
    if (type !== "task.started") continue;
    started += 1;
    readySince.delete(task_id);
    const mine = priorityOf.get(task_id)!;
    // What became ready at this very moment may have come a step too late.
    const urgent = [...readySince].filter(([id, since]) => since < at && priorityOf.get(id)! > mine);
    if (urgent.length > 0) jumpers.push(task_id);
  }
  expect(started).toBe(priorityOf.size);
  return jumpers;
}

it.each([1, testSeed()])("starts the most urgent task first, seed %i", { timeout: 60_000 }, async (seed) => {
  const property = fc.asyncProperty(batches, async (script) => {
    expect(await findQueueJumpers(script)).toEqual([]);
  });
  await fc.assert(property, { seed, numRuns: 12 });
});
