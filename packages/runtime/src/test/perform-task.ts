import { type CapabilityDefinition, createAgent, type TaskContext } from "@muster/sdk";
import {
  createModelAgent,
  type ModelAgentDefinition,
  type ModelCapability,
} from "../agent-loop/create-model-agent.ts";
import { type FakeTask, fakeTask } from "./fake-task.ts";
import { type FakeTool, fakeToolbox } from "./fake-toolbox.ts";
import { type Script, type ScriptedTurn, scriptedModel } from "./scripted-model.ts";

export interface World {
  script: Script | readonly ScriptedTurn[];
  tools?: Record<string, FakeTool>;
  capability?: Partial<ModelCapability>;
  agent?: Partial<ModelAgentDefinition>;
  input?: unknown;
  now?: () => number;
  task?: FakeTask;
}

/** One task of an agent whose model follows a script. */
export const perform = async ({
  script,
  tools = {},
  capability,
  agent,
  input = "Count.",
  now,
  task,
}: World) => {
  const model = scriptedModel(script);
  const toolbox = fakeToolbox(tools);
  const definition = createModelAgent(
    {
      name: "counter",
      model: "smart",
      system: "You count.",
      capabilities: [{ name: "count", ...capability }],
      ...agent,
    },
    { model, toolbox, ...(now === undefined ? {} : { now }) },
  );
  createAgent(definition);
  const [{ handler }] = definition.capabilities as [CapabilityDefinition];
  const on = task ?? fakeTask(input);
  const outcome = await on.attempt((context: TaskContext) => Promise.resolve(handler(context)));
  return { outcome, model, toolbox, task: on };
};

/** Answers with its input. */
export const echo: FakeTool = { nature: "parallel", run: ({ text }: { text: string }) => text };
