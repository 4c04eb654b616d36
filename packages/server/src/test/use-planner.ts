import { createModelRouter, createPlanner, type ModelSettings } from "@muster/runtime";
import type { TaskContext } from "@muster/sdk";
import type { InboxItem } from "@muster/sdk/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import type { AskedRequest, Reply } from "../../../runtime/src/test/providers/script.ts";
import {
  type ScriptedProviders,
  startProviders,
} from "../../../runtime/src/test/providers/start-providers.ts";
import { root } from "./orchestrate.ts";
import { type Fixture, useOrchestrator } from "./use-orchestrator.ts";

/** A planner whose model follows a script over HTTP, and a cook whom it can plan with. */
export interface PlannerFixture extends Fixture {
  providers: ScriptedProviders;
  /** What the cook did, in order. */
  done: unknown[];
  /** The one question in the inbox. */
  question(): Promise<InboxItem>;
}

/** A busy machine takes its time. */
export const patient = { timeout: 10_000 };

export const answer = (workflow: string, cannot = ""): Reply => ({
  text: JSON.stringify({ workflow, cannot }),
});
export const soup = `
name: soup
steps:
  chop:
    capability: chop
    with: { what: "\${{ inputs.vegetable }}" }
  boil:
    capability: boil
    needs: [chop]
    with: { pieces: "\${{ steps.chop.output.pieces }}" }
output: "\${{ steps.boil.output }}"
`;
export const burnt = soup.replace("capability: boil", "capability: burn");
export const goalOf = (more: object = {}) => ({
  capability: "goal",
  input: { goal: "Make a soup.", inputs: { vegetable: "leek" }, approve: "yes", ...more },
});
export const promptOf = (asked: AskedRequest | undefined): string =>
  (asked?.messages ?? []).map(({ text }) => text).join("\n");

/** Whose format the planner's model speaks. */
const anthropic: PlannerProvider = { kind: "anthropic" };
export type PlannerProvider = Pick<
  ModelSettings["providers"][number],
  "kind" | "models" | "structuredOutput"
>;

export function usePlanner(provider: PlannerProvider = anthropic): PlannerFixture {
  const at = useOrchestrator() as PlannerFixture;
  at.question = async () => {
    const { inbox } = at.muster.orchestrator;
    await expect.poll(async () => (await inbox.list({}, root)).items.length, patient).toBe(1);
    return (await inbox.list({}, root)).items[0]!;
  };
  beforeAll(async () => {
    at.providers = await startProviders({ script: [] });
  });
  afterAll(() => at.providers.close());
  let close: () => Promise<void>;
  afterEach(() => close());
  beforeEach(async () => {
    at.done = [];
    (at.providers.requests as unknown[]).length = 0;
    // Aliases lead to providers by their names.
    const name = provider.kind.replace("-chat", "");
    const model = await createModelRouter({
      settings: {
        providers: [
          {
            ...provider,
            name,
            baseURL: at.providers.baseURL(name),
            keyVariable: "A_KEY",
          },
        ],
      },
      environment: { A_KEY: "sk-ant-a-key-of-a-test" },
    });
    close = () => model.close();
    await at.muster.agent(createPlanner({ model }));
    await at.muster.agent({
      name: "cook",
      maxConcurrency: 4,
      capabilities: [
        {
          name: "chop",
          description: "Chops a vegetable.",
          cost: 0.02,
          meanDurationMs: 1_500,
          inputSchema: {
            type: "object",
            required: ["what"],
            additionalProperties: false,
            properties: { what: { type: "string" } },
          },
          handler: ({ input }: TaskContext) => {
            at.done.push(input);
            return { pieces: `pieces of ${(input as { what: string }).what}` };
          },
        },
        {
          name: "boil",
          description: "Boils pieces to a soup.",
          handler: ({ input }: TaskContext) => {
            at.done.push(input);
            return "soup";
          },
        },
        {
          name: "burn",
          description: "Burns pieces.",
          handler: () => {
            throw Object.assign(new Error("it is on fire"), { code: "fire", retryable: false });
          },
        },
      ],
    });
  });
  return at;
}
