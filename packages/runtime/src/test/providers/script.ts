import { createHash } from "node:crypto";

/**
 * What the scripted providers answer. A conversation's turn is found by its place, which is how many answers of a model
 * its request shows already, and not by how often somebody asked: who asks again, because it crashed before it wrote the
 * answer down, gets the same answer again.
 */
export type Script = readonly Turn[] | readonly Conversation[] | ReplyMaker;

export interface Conversation {
  /** Which requests belong to it; the first conversation that fits is taken. */
  when: RequestPattern | ((asked: AskedRequest) => boolean);
  turns: readonly Turn[];
}

/** A text is found anywhere in it; all that are given must fit. */
export interface RequestPattern {
  provider?: string;
  model?: string | RegExp;
  system?: string | RegExp;
  /** In the first message of the user. */
  user?: string | RegExp;
}

/** One place of a conversation. A list: the first try gets the first reply, the next the next, all others the last. */
export type Turn = Reply | ReplyMaker | readonly (Reply | ReplyMaker)[];

export type ReplyMaker = (asked: AskedRequest) => Reply | Promise<Reply>;

export type Reply = Answer | Failure | RawReply | Unexpected;

/** What the model says. */
export interface Answer {
  text?: string;
  /** Comes before the text, with a signature that must come back. */
  reasoning?: string;
  toolCalls?: readonly ScriptedToolCall[];
  /** By default `tool-calls` where there are any, else `stop`. */
  finish?: "stop" | "tool-calls" | "length" | "refused";
  usage?: Partial<ScriptedUsage>;
  /** In how many pieces the text is streamed (3). */
  pieces?: number;
  /** A pause before each event of a stream (0). */
  pauseMs?: number;
  /** The stream does not come to its end. */
  broken?: BrokenStream;
}

export interface BrokenStream {
  /** Events that are sent before. */
  afterEvents: number;
  /**
   * `cut`: the connection breaks; `end`: it ends as if all were well; `error`: the provider says that it failed; `hang`:
   * nothing comes any more.
   */
  how: "cut" | "end" | "error" | "hang";
}

export interface ScriptedToolCall {
  /** By default made of the place and the number of the call. Gemini sends none. */
  id?: string;
  name: string;
  input: unknown;
}

export interface ScriptedUsage {
  /** All of the input, cached or not (100). */
  inputTokens: number;
  outputTokens: number;
  cachedInputTokens: number;
  cacheWriteTokens: number;
}

/** The provider refuses, in the words of its format. */
export interface Failure {
  status: number;
  message?: string;
  /** The type or code of the error; by default what the provider says with this status. */
  code?: string;
  /** Sent as `retry-after`; Gemini says it in the body. */
  retryAfterSeconds?: number;
  headers?: Record<string, string>;
}

/** A recorded answer, byte by byte, in the pieces that are given; or none at all. */
export type RawReply =
  | {
      raw: string | readonly Uint8Array[];
      status?: number;
      headers?: Readonly<Record<string, string>>;
      /** The connection breaks behind it. */
      cut?: boolean;
    }
  | { silent: "hang" | "cut" };

/** Nothing fits: the request is refused with these words. */
export interface Unexpected {
  unexpected: string;
}

export type Wire = "anthropic" | "openai-responses" | "openai-chat" | "gemini";

/** A request as the provider got it, read into the same words whatever its format. */
export interface AskedRequest {
  /** The name in the address (`/NAME/v1/…`). */
  provider: string;
  wire: Wire;
  /** What is behind that name in the address. */
  path: string;
  model: string;
  stream: boolean;
  system: string;
  messages: readonly AskedMessage[];
  /** Names of the tools. */
  tools: readonly string[];
  /** How many answers of the model it shows. */
  turn: number;
  /** How often the same was asked before. */
  tries: number;
  headers: Readonly<Record<string, string>>;
  body: Record<string, unknown>;
}

export interface AskedMessage {
  role: "user" | "assistant" | "tool";
  text: string;
  toolCalls: readonly { id: string; name: string; input: unknown }[];
  results: readonly { id: string; content: string }[];
}

export const isFailure = (reply: Reply): reply is Failure => "status" in reply && !("raw" in reply);

/** Counts tries and finds replies; one for each server. */
export function createScriptPlayer(script: Script) {
  const tries = new Map<string, number>();

  return {
    countTry(asked: Omit<AskedRequest, "tries">): AskedRequest {
      const { provider, system, messages } = asked;
      const same = createHash("sha256")
        .update(JSON.stringify([provider, system, messages]))
        .digest("hex");
      const before = tries.get(same) ?? 0;
      tries.set(same, before + 1);
      return { ...asked, tries: before };
    },
    /** Null: the script has no reply to this. */
    async replyTo(asked: AskedRequest): Promise<Reply | null> {
      if (typeof script === "function") return script(asked);
      const turn = turnsFor(script, asked)?.[asked.turn];
      if (turn === undefined) return null;
      const reply = Array.isArray(turn) ? (turn[asked.tries] ?? turn.at(-1)) : turn;
      return typeof reply === "function" ? reply(asked) : reply;
    },
  };
}

function turnsFor(script: readonly Turn[] | readonly Conversation[], asked: AskedRequest) {
  const isConversation = (entry: Turn | Conversation): entry is Conversation => "turns" in entry;
  const entries: readonly (Turn | Conversation)[] = script;
  if (!entries.some(isConversation)) return entries as readonly Turn[];
  return entries.filter(isConversation).find(({ when }) => fits(when, asked))?.turns;
}

function fits(when: Conversation["when"], asked: AskedRequest): boolean {
  if (typeof when === "function") return when(asked);
  const user = asked.messages.find(({ role }) => role === "user")?.text ?? "";
  const pairs: [string | RegExp | undefined, string][] = [
    [when.model, asked.model],
    [when.system, asked.system],
    [when.user, user],
  ];
  const isFrom = when.provider === undefined || when.provider === asked.provider;
  return isFrom && pairs.every(([pattern, text]) => pattern === undefined || found(pattern, text));
}

const found = (pattern: string | RegExp, text: string): boolean =>
  typeof pattern === "string" ? text.includes(pattern) : pattern.test(text);
