import type { ModelMessage, ToolCallResult } from "../llm/model.ts";
import { fakeToolbox } from "./fake-toolbox.ts";
import { type ScriptedModel, scriptedModel } from "./scripted-model.ts";

/** One turn of a plan: what is read, and what is appended to a log that must hold everything once. */
export type PlannedTurn = readonly { tool: "read" | "set" | "append"; name: string }[];

/** What the tools of a worker act on; it outlives every process. */
export interface Outside {
  appended: string[];
  set: Map<string, number>;
  /** How often each call of a tool was made, by its stable id. */
  made: Map<string, number>;
}

export const outside = (): Outside => ({ appended: [], set: new Map(), made: new Map() });

/** Tools of all three natures. `pass` is a moment at which the process may be killed. */
export const toolsOn = (world: Outside, pass: (what: string) => Promise<void>) => {
  const around = async (id: string, what: string, effect: () => string): Promise<string> => {
    await pass(`begin ${what}`);
    world.made.set(id, (world.made.get(id) ?? 0) + 1);
    const content = effect();
    await pass(`end ${what}`);
    return content;
  };
  return fakeToolbox({
    read: {
      nature: "parallel",
      run: ({ name }: { name: string }, { id }) => around(id, `read ${name}`, () => `content of ${name}`),
    },
    set: {
      nature: "repeatable",
      run: ({ name }: { name: string }, { id }) =>
        around(id, `set ${name}`, () => {
          world.set.set(name, 1);
          return `${name} is set`;
        }),
    },
    append: {
      nature: "once",
      run: ({ name }: { name: string }, { id }) =>
        around(id, `append ${name}`, () => {
          world.appended.push(name);
          return `${name} is appended`;
        }),
    },
    look: { nature: "parallel", run: () => JSON.stringify(world.appended) },
  });
};

/**
 * A model that follows a plan and is careful: where a call may or may not have happened it looks, and repeats only what
 * is missing. Like every model it knows nothing but the conversation.
 */
export const carefulModel = (plan: readonly PlannedTurn[]): ScriptedModel =>
  scriptedModel(({ messages }) => {
    const { confirmed, isUnsure } = readConversation(messages);
    if (isUnsure) return { calls: [["look", {}]] };
    const open = plan.map((turn) => turn.filter(({ name }) => !confirmed.has(name)));
    const next = open.find((turn) => turn.length > 0);
    if (next === undefined) return { text: `Done: ${plan.flat().length}.` };
    return { calls: next.map(({ tool, name }) => [tool, { name }] as [string, unknown]) };
  });

const readConversation = (messages: readonly ModelMessage[]) => {
  const confirmed = new Set<string>();
  let isUnsure = false;
  for (const message of messages) {
    if (message.role === "assistant") isUnsure = false;
    if (message.role !== "tool") continue;
    const before = messages[messages.indexOf(message) - 1] as Extract<ModelMessage, { role: "assistant" }>;
    message.results.forEach((result, index) => {
      const { input } = before.toolCalls[index]!;
      if (isUnknown(result)) isUnsure = true;
      else if (result.name === "look") for (const name of JSON.parse(result.content)) confirmed.add(name);
      else confirmed.add((input as { name: string }).name);
    });
  }
  return { confirmed, isUnsure };
};

const isUnknown = ({ content }: Pick<ToolCallResult, "content">): boolean =>
  content.includes("may or may not have happened");
