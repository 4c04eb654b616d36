import { createModelRouter, createPlanner } from "@muster/runtime";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import {
  type ScriptedProviders,
  startProviders,
} from "../../../../runtime/src/test/providers/start-providers.ts";
import type { Database } from "../../ports/database.ts";
import { createFakeEmbedder } from "../fake-embedder.ts";
import { emptyDatabase, freshDatabase, orchestrate, type TestOrchestrator } from "../orchestrate.ts";
import { answer, goalOf, promptOf } from "../use-planner.ts";

let database: Database;
let providers: ScriptedProviders;
let muster: TestOrchestrator;
const closings: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  database = await freshDatabase();
  providers = await startProviders({ script: () => answer("", "Nobody can.") });
});
afterAll(async () => {
  await providers.close();
  await database.close();
});
beforeEach(() => emptyDatabase(database));
afterEach(async () => {
  await muster.stop();
  for (const close of closings.splice(0)) await close();
});

/** More capabilities than a plan is shown. */
const decoys = Array.from({ length: 60 }, (_, index) => `keep_list_${index}`);

/** Which capabilities the model is shown for a goal, in order, where one agent offers them all. */
async function offered(goal: string, withMeaning: boolean): Promise<string[]> {
  muster = await orchestrate(database, {}, withMeaning ? { embedder: createFakeEmbedder("fake", 256) } : {});
  const model = await createModelRouter({
    settings: {
      providers: [{ name: "anthropic", kind: "anthropic", baseURL: providers.baseURL("anthropic") }],
    },
    environment: { ANTHROPIC_API_KEY: "k" },
  });
  closings.push(() => model.close());
  await muster.agent(createPlanner({ model }));
  const handler = () => "done";
  await muster.agent({
    name: "office",
    capabilities: [
      ...decoys.map((name) => ({
        name,
        description: "Keeps one list of all lists, for whoever wants.",
        handler,
      })),
      { name: "vehicle_wash", description: "Vehicle wash.", handler },
      { name: "vehicle_paint", description: "Vehicle paint.", handler },
      { name: "vehicle_sale", description: "Vehicle sale.", handler },
      { name: "vehicle_loan", description: "Vehicle loan.", handler },
      { name: "vehicle_rent", description: "Vehicle rent.", handler },
    ],
  });
  (providers.requests as unknown[]).length = 0;
  await muster.finish(goalOf({ goal, inputs: {} }));
  const names = [...promptOf(providers.requests[0]).matchAll(/"capability":\s*"([^"]+)"/g)];
  return names.map(([, name]) => name as string);
}

test("a planner is shown what the goal means, among more than it can be shown", async () => {
  // No word of the goal is in any of them; an automobile is a vehicle.
  const byMeaning = await offered("An automobile, truck, car.", true);
  expect(byMeaning).toHaveLength(40);
  // All of them come first, though one agent offers them, and not only its three best.
  expect(byMeaning.slice(0, 5).every((name) => name.startsWith("vehicle_"))).toBe(true);
});

test("without a model for meanings it goes by words, and by what is there", async () => {
  const byWords = await offered("An automobile, truck, car.", false);
  expect(byWords).toHaveLength(40);
  expect(byWords.filter((name) => name.startsWith("vehicle_"))).toEqual([]);
});

test("what fits the words comes first, and all of it", async () => {
  const names = await offered("Wash, paint and rent my vehicle.", false);
  expect(new Set(names.slice(0, 3))).toEqual(new Set(["vehicle_wash", "vehicle_paint", "vehicle_rent"]));
  expect(new Set(names.slice(3, 5))).toEqual(new Set(["vehicle_sale", "vehicle_loan"]));
});
