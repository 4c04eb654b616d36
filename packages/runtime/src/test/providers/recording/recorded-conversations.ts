import { rm } from "node:fs/promises";
import type { Model, ModelMessage, ModelTurn, ToolSpec } from "../../../llm/model.ts";
import { createModelRouter } from "../../../llm/model-router.ts";
import type { ProviderKind } from "../../../llm/model-settings.ts";
import type { Turn } from "../script.ts";
import { startProviders } from "../start-providers.ts";
import { documentedAnswers } from "./documented-answers.ts";
import { startRecorder } from "./start-recorder.ts";

/** A conversation of which a recording is kept beside this file. */
export interface RecordedConversation {
  /** The name of its file, without the ending. */
  name: string;
  kind: ProviderKind;
  model: string;
  /** Who answered when it was recorded, place by place. */
  answers: readonly Turn[];
}

const asked = "What is the weather in London, and what is 2 + 3?";
const tools: readonly ToolSpec[] = [
  {
    name: "get_weather",
    description: "The weather of a place now.",
    inputSchema: { type: "object", properties: { location: { type: "string" } }, required: ["location"] },
  },
  {
    name: "add",
    description: "Adds two numbers.",
    inputSchema: {
      type: "object",
      properties: { a: { type: "number" }, b: { type: "number" } },
      required: ["a", "b"],
    },
  },
];

/** What the scripted server says: it thinks, speaks, calls two tools at once, and sums up what they gave. */
const scripted: readonly Turn[] = [
  {
    reasoning: "Two tools will do.",
    text: "Let me see: the weather — and the sum.",
    pieces: 7,
    toolCalls: [
      { name: "get_weather", input: { location: "London" } },
      { name: "add", input: { a: 2, b: 3 } },
    ],
    usage: { inputTokens: 320, outputTokens: 48, cachedInputTokens: 64 },
  },
  { text: "It rains in London, and 2 + 3 is 5.", usage: { inputTokens: 410, outputTokens: 17 } },
];

const places = [
  ["anthropic", "claude-sonnet-5"],
  ["openai", "gpt-6-sol"],
  ["openai-chat", "gpt-6-sol"],
  ["google", "gemini-3.1-pro-preview"],
] as const;

export const recordedConversations: readonly RecordedConversation[] = places.flatMap(([kind, model]) => [
  { name: `${kind}-tools`, kind, model, answers: scripted },
  { name: `${kind}-documented`, kind, model, answers: [documentedAnswers[kind]] },
]);

/** Has the conversation until no tool is called or a documented answer was heard. */
export async function converse(
  model: Model,
  { model: name, answers }: RecordedConversation,
  onText: (text: string) => void = () => {},
): Promise<ModelTurn[]> {
  const messages: ModelMessage[] = [{ role: "user", content: asked }];
  const turns: ModelTurn[] = [];
  for (const _place of answers) {
    const turn = await model.generate(
      { model: name, system: "You are a helpful assistant.", messages, tools, maxOutputTokens: 500 },
      { onText },
    );
    turns.push(turn);
    const { text: content, toolCalls, continuation } = turn;
    messages.push({
      ...{ role: "assistant", content, toolCalls },
      ...(continuation === undefined ? {} : { continuation: JSON.parse(JSON.stringify(continuation)) }),
    });
    const results = toolCalls.map(({ id, name: tool }) => ({
      ...{ toolCallId: id, name: tool, content: tool === "add" ? "5" : "rain", isError: false },
    }));
    if (results.length > 0) messages.push({ role: "tool", results });
  }
  return turns;
}

/** The settings of a conversation's only provider, at an address. */
export const settingsOf = ({ kind }: RecordedConversation, baseURL: string) => ({
  providers: [{ name: kind, kind, baseURL, keyVariable: "RECORDED_KEY" }],
});

/** Records a conversation with the server that answers by its script; the file is written anew. */
export async function recordConversation(conversation: RecordedConversation, file: string): Promise<void> {
  const { kind, answers } = conversation;
  const server = await startProviders({ script: answers });
  await rm(file, { force: true });
  const problems: string[] = [];
  const onProblem = (message: string) => void problems.push(message);
  const recorder = await startRecorder({ targets: { [kind]: server.baseURL(kind) }, file, onProblem });
  const environment = { RECORDED_KEY: "key-of-whoever-records" };
  const router = await createModelRouter({
    settings: settingsOf(conversation, recorder.baseURL(kind)),
    environment,
  });
  try {
    await converse(router, conversation);
    if (problems.length > 0) throw new Error(problems.join("\n"));
  } finally {
    await router.close();
    await recorder.close();
    await server.close();
  }
}
