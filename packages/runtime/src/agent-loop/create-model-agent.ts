import type { AgentDefinition, Capability, CapabilityDefinition, TaskContext } from "@muster/sdk";
import type { Model } from "../llm/model.ts";
import { createMailbox } from "../together/mailbox.ts";
import { createScrubber, type Scrub } from "../tools/create-scrubber.ts";
import type { Toolbox } from "../tools/tool.ts";
import { createJudge } from "./check-answer.ts";
import type { LoopHooks } from "./loop-hooks.ts";
import { type LoopLimits, loopLimitsOf } from "./loop-limits.ts";
import type { LoopSettings, StreamedText } from "./loop-settings.ts";
import { prompts, taskPrompt } from "./prompts.ts";
import { runAgentLoop } from "./run-agent-loop.ts";
import { createSpeech } from "./speech.ts";

/** A capability of an agent with a model. Without an output schema the output is the text of the model's answer. */
export interface ModelCapability extends Capability {
  /** The first word of the conversation; by default the capability's name, its description and the input. */
  prompt?: (input: unknown) => string;
}

/** Who an agent with a model is: everything that is the same for all its tasks. */
export interface ModelAgentDefinition extends Omit<AgentDefinition, "capabilities"> {
  /** A model (`claude-sonnet-5`, `openai/gpt-6`) or an alias (`fast`, `smart`, `sonnet`, …). */
  model: string;
  /** Who it is and how it works. */
  system: string;
  capabilities: readonly ModelCapability[];
  limits?: Partial<LoopLimits>;
  /** Most tokens of one answer, 8,192 by default. */
  maxOutputTokens?: number;
  temperature?: number;
  /** How much the model takes where the price table does not say, 128,000 tokens by default. */
  contextTokens?: number;
}

/** The tools of one attempt; closed when it is over, however it ended. */
export interface OpenToolbox extends Toolbox {
  /** What a project has done before and after their calls, and at other moments of the work. */
  hooks?: LoopHooks;
  close?(): Promise<void>;
}

export interface ModelAgentOptions {
  model: Model;
  /** The tools for all tasks, or those that are made for each attempt, as with a folder of its own. */
  toolbox: Toolbox | ((context: TaskContext) => OpenToolbox | Promise<OpenToolbox>);
  /** Takes secrets out of what is shown to those who watch a task; by default it knows the shapes of keys only. */
  scrub?: Scrub;
  /** Gets answers as they come, as the model gave them. */
  onText?: (text: StreamedText) => void;
  /** Milliseconds since 1970; the computer's by default. */
  now?: () => number;
}

const defaultOutputTokens = 8_192;
const defaultContextTokens = 128_000;

/**
 * Makes an agent of a description and a model: each of its capabilities is done by the loop. What comes out is an
 * ordinary definition for `createAgent`.
 */
export const createModelAgent = (
  definition: ModelAgentDefinition,
  options: ModelAgentOptions,
): AgentDefinition => {
  const { model, system, capabilities, limits, maxOutputTokens, temperature, contextTokens, ...agent } =
    definition;
  const shared = {
    model: options.model,
    modelName: model,
    limits: loopLimitsOf(limits),
    maxOutputTokens: maxOutputTokens ?? defaultOutputTokens,
    ...(temperature === undefined ? {} : { temperature }),
    contextTokens: contextTokens ?? defaultContextTokens,
    now: options.now ?? Date.now,
  };
  const mailbox = createMailbox();
  return {
    ...agent,
    capabilities: capabilities.map((one) => capabilityOf(one, system, { ...shared, mailbox }, options)),
    async onMessage(message) {
      mailbox.receive(message);
      await agent.onMessage?.(message);
    },
  };
};

/** What is another for each capability or task. */
type Own =
  | "system"
  | "task"
  | "toolbox"
  | "judge"
  | "outputSchema"
  | "name"
  | "hearing"
  | "hooks"
  | "onText"
  | "onTurnEnd";

type SharedSettings = Omit<LoopSettings, Own> & {
  mailbox: ReturnType<typeof createMailbox>;
};

const capabilityOf = (
  { prompt, ...capability }: ModelCapability,
  system: string,
  { mailbox, ...shared }: SharedSettings,
  { toolbox, onText, scrub = createScrubber() }: ModelAgentOptions,
): CapabilityDefinition => {
  const { outputSchema } = capability;
  const judge = createJudge(outputSchema, `The output schema of ${capability.name}`);
  const wantsJson = outputSchema !== undefined && outputSchema !== true;
  const settings = {
    ...shared,
    judge,
    name: "loop",
    system: wantsJson ? `${system}\n\n${prompts.output(outputSchema)}` : system,
    ...(wantsJson && typeof outputSchema === "object" ? { outputSchema } : {}),
  };
  const handler = async (context: TaskContext): Promise<unknown> => {
    const task = prompt === undefined ? taskPrompt(capability, context.input) : prompt(context.input);
    const tools: OpenToolbox = typeof toolbox === "function" ? await toolbox(context) : toolbox;
    const hearing = mailbox.open(context);
    const speech = createSpeech(context, scrub);
    const heard = (text: StreamedText): void => {
      speech.add(text);
      onText?.(text);
    };
    const own = { task, toolbox: tools, hooks: tools.hooks, hearing, onText: heard, onTurnEnd: speech.end };
    try {
      return await runAgentLoop(context, { ...settings, ...own });
    } finally {
      hearing.close();
      if (typeof toolbox === "function") await tools.close?.();
    }
  };
  return { ...capability, handler };
};
