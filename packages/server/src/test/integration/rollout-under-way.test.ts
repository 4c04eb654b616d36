import { expect, it } from "vitest";
import { root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator();
const patience = { timeout: 10_000 };

it("an attempt that is under way at a rollback is finished where it is and counts; its retry is the baseline's", async () => {
  const { rollouts, tasks } = at.muster.orchestrator;
  const endings: ((how: "well" | "badly") => void)[] = [];
  const handler = () =>
    new Promise<string>((resolve, reject) => {
      endings.push((how) => (how === "well" ? resolve("candidate") : reject(new Error("it broke"))));
    });
  const version = (number: string, work: () => unknown) =>
    at.muster.agent({
      ...{ name: `greeter-${number}`, version: number, maxConcurrency: 5 },
      capabilities: [{ name: "greet", handler: work }],
    });
  await version("1", () => "baseline");
  await version("2", handler);
  const { id } = await rollouts.start(
    { capability: "greet", candidate: { version: "2" }, steps: [{ candidate: 100 }] },
    root,
  );
  const retry = { maxAttempts: 2, delayMs: 1 };
  const made = await tasks.submit(
    [1, 2].map(() => ({ capability: "greet", retry })),
    someone,
  );
  await expect.poll(() => endings.length, patience).toBe(2);
  await rollouts.abort(id, { reason: "taken back" }, root);
  const [next] = await at.muster.finish({ capability: "greet" });
  expect(next?.output).toBe("baseline");
  endings[0]?.("well");
  endings[1]?.("badly");
  const ended = await Promise.all(made.map((task) => tasks.wait(task.id, 10_000, someone)));
  expect(ended.map(({ status }) => status)).toEqual(["completed", "completed"]);
  expect(ended.map(({ output, attempts }) => [output, attempts]).sort()).toEqual([
    ["baseline", 2],
    ["candidate", 1],
  ]);
  expect(endings).toHaveLength(2);
  expect((await rollouts.get(id, root)).outcomes.candidate).toMatchObject({ completed: 1, failed: 1 });
});
