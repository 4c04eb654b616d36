import type { ModelMessage } from "../llm/model.ts";
import type { Conversation } from "./conversation.ts";
import { tokensOfText } from "./conversation.ts";
import { prompts } from "./prompts.ts";

/** Share of the context that the newest turns may keep when the rest is summed up. */
const keptShare = 0.25;
/** Share of the context that the text to be summed up may take. */
const toldShare = 0.5;
const charactersOfResult = 4_000;
const charactersOfText = 8_000;
const charactersOfInput = 2_000;

/** How many of the newest messages stay as they are: whole turns with the results of their calls, while there is room. */
export const messagesToKeep = (messages: readonly ModelMessage[], contextTokens: number): number => {
  const room = contextTokens * keptShare;
  let kept = 0;
  let tokens = 0;
  for (let at = messages.length - 1; at >= 0; at--) {
    tokens += tokensOfText(JSON.stringify(messages[at]));
    if (tokens > room) break;
    // A result stands behind its turn, and a turn must not stand without its results.
    if (messages[at]!.role === "assistant") kept = messages.length - at;
  }
  // Something has to go, else nothing is gained.
  return kept === messages.length ? 0 : kept;
};

/** What the model is asked to sum up, as a text: no provider's rules on calls and results stand in the way. */
export const summaryRequestOf = (
  conversation: Conversation,
  kept: number,
  contextTokens: number,
): ModelMessage[] => {
  const { rest, summary } = conversation;
  const gone = rest.slice(0, rest.length - kept).map(tellMessage);
  const before = summary === undefined ? [] : [`Summary of what came before:\n${summary}`];
  const told = clipMiddle([...before, ...gone].join("\n\n"), Math.floor(contextTokens * toldShare));
  return [{ role: "user", content: `${prompts.sumUp}\n\n<work>\n${told}\n</work>` }];
};

const tellMessage = (message: ModelMessage): string => {
  if (message.role === "user") return `User: ${clipMiddle(message.content, charactersOfText)}`;
  if (message.role === "tool") {
    const told = message.results.map(
      ({ name, content, isError }) =>
        `${isError ? "Error" : "Result"} of ${name}: ${clipMiddle(content, charactersOfResult)}`,
    );
    return told.join("\n");
  }
  const calls = message.toolCalls.map(
    ({ name, input }) => `Call of ${name}: ${clipMiddle(JSON.stringify(input) ?? "null", charactersOfInput)}`,
  );
  const text = message.content === "" ? [] : [`You: ${clipMiddle(message.content, charactersOfText)}`];
  return [...text, ...calls].join("\n");
};

/** The beginning and the end say most. */
const clipMiddle = (text: string, characters: number): string => {
  if (text.length <= characters) return text;
  const half = Math.floor(characters / 2);
  const cut = text.length - 2 * half;
  return `${text.slice(0, half)}\n[… ${cut} characters …]\n${text.slice(-half)}`;
};
