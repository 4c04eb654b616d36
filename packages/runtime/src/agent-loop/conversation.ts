import type { ModelMessage, ModelUsage, ToolCallResult } from "../llm/model.ts";
import type { RecordedCall, TurnEntry } from "./loop-entry.ts";

/** Bytes of text that count as a token where nobody counted: too many for English, right for Chinese. */
const bytesPerToken = 3;

export const tokensOfText = (text: string): number => Math.ceil(Buffer.byteLength(text) / bytesPerToken);

/**
 * What the model is told, as the journal makes it: the task, perhaps a summary of what came then, and turns with the
 * results of their calls. It counts tokens as the last answer's usage says, and estimates what was added since.
 */
export class Conversation {
  readonly #task: string;
  readonly #overheadTokens: number;
  #summary: string | undefined;
  #messages: ModelMessage[] = [];
  #known = 0;
  #added: number;

  /** `overheadTokens`: what each request has beside the messages, such as the descriptions of tools. */
  constructor(task: string, overheadTokens: number) {
    this.#task = task;
    this.#overheadTokens = overheadTokens;
    this.#added = overheadTokens + tokensOfText(task);
  }

  get tokens(): number {
    return this.#known + this.#added;
  }

  get summary(): string | undefined {
    return this.#summary;
  }

  /** Everything after the task and the summary. */
  get rest(): readonly ModelMessage[] {
    return this.#messages;
  }

  /** All of it, with a last word that is not kept. */
  messages(lastWord?: string): ModelMessage[] {
    const summary =
      this.#summary === undefined
        ? ""
        : `\n\n---\nThis is not the beginning. What has happened so far, as you summed it up:\n\n${this.#summary}`;
    const all: ModelMessage[] = [{ role: "user", content: this.#task + summary }, ...this.#messages];
    const last = all.at(-1)!;
    if (lastWord === undefined) return all;
    if (last.role !== "user") return [...all, { role: "user", content: lastWord }];
    return [...all.slice(0, -1), { role: "user", content: `${last.content}\n\n${lastWord}` }];
  }

  addTurn({ text, calls, continuation, usage }: TurnEntry): void {
    const toolCalls = calls.map(({ ref, name, input }) => ({ id: ref, name, input }));
    const message: ModelMessage = { role: "assistant", content: text, toolCalls };
    this.#messages.push(continuation === undefined ? message : { ...message, continuation });
    this.#count(usage, text.length === 0 && calls.length === 0 ? "" : JSON.stringify(message));
  }

  addResults(
    calls: readonly RecordedCall[],
    outcomes: readonly { content: string; isError: boolean }[],
  ): void {
    const results = calls.map(({ ref, name }, index): ToolCallResult => {
      const { content, isError } = outcomes[index]!;
      return { toolCallId: ref, name, content, isError };
    });
    this.#messages.push({ role: "tool", results });
    for (const { content } of results) this.#added += tokensOfText(content) + 8;
  }

  addUser(content: string): void {
    this.#messages.push({ role: "user", content });
    this.#added += tokensOfText(content);
  }

  /** Puts a summary in the place of everything but the newest messages. */
  sumUp(summary: string, kept: number): void {
    this.#summary = summary;
    this.#messages = kept === 0 ? [] : this.#messages.slice(-kept);
    this.#known = 0;
    const texts = this.#messages.map((message) => tokensOfText(JSON.stringify(message)));
    const told = tokensOfText(this.#task) + tokensOfText(summary);
    this.#added = this.#overheadTokens + told + texts.reduce((sum, tokens) => sum + tokens, 0);
  }

  /** Servers that count nothing say 0. */
  #count(usage: ModelUsage, text: string): void {
    if (usage.inputTokens === 0) {
      this.#added += tokensOfText(text);
      return;
    }
    this.#known = usage.inputTokens + usage.outputTokens;
    this.#added = 0;
  }
}
