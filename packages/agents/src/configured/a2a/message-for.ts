import type { Part, SendMessageRequest } from "@a2a-js/sdk";
import type { Card, Skill } from "./agent-card.ts";
import type { RemoteId } from "./remote-journal.ts";

const json = "application/json";

const part = (content: Part["content"], mediaType: string): Part => ({
  content,
  metadata: undefined,
  filename: "",
  mediaType,
});

const text = (value: string): Part => part({ $case: "text", value }, "text/plain");

/**
 * An input as parts: a text alone as text, all else as data. For an agent that says that it takes texts and no JSON, the
 * JSON is a text.
 */
export function partsFor(input: unknown, card: Card, skill: Skill): Part[] {
  if (typeof input === "string") return [text(input)];
  const isObject = typeof input === "object" && input !== null && !Array.isArray(input);
  if (isObject && Object.keys(input).length === 1 && "text" in input && typeof input.text === "string")
    return [text(input.text)];
  const modes = skill.inputModes?.length ? skill.inputModes : (card.defaultInputModes ?? []);
  const takesText = modes.some((mode) => mode === "text" || mode.startsWith("text/"));
  const takesJson = modes.some((mode) => mode.includes("json") || mode.startsWith("*/") || mode === "data");
  if (takesText && !takesJson) return [text(JSON.stringify(input ?? null))];
  // Versions before 1.0 know objects only.
  return [part({ $case: "data", value: isObject ? input : { value: input ?? null } }, json)];
}

export const answerParts = (answer: unknown): Part[] => [
  text(typeof answer === "string" ? answer : JSON.stringify(answer)),
];

export function requestFor(
  parts: Part[],
  how: { messageId: string; role: number; skill: string; id?: RemoteId },
): SendMessageRequest {
  return {
    tenant: "",
    message: {
      messageId: how.messageId,
      contextId: how.id?.contextId ?? "",
      taskId: how.id?.taskId ?? "",
      role: how.role,
      parts,
      // The protocol has no word for it; agents with several skills look here.
      metadata: { skillId: how.skill },
      extensions: [],
      referenceTaskIds: [],
    },
    configuration: {
      acceptedOutputModes: [json, "text/plain", "*/*"],
      taskPushNotificationConfig: undefined,
      historyLength: 0,
      returnImmediately: true,
    },
    metadata: undefined,
  };
}
