import type { ToolCall, ToolSpec } from "../llm/model.ts";

/** Something a model can call. Built-in tools, those of MCP servers and those of working together all are this. */
export interface Tool extends ToolSpec {
  /** It changes nothing, or nothing that another call of the same turn could meet: such calls run side by side. */
  readonly isParallel: boolean;
  /**
   * A call may be made again under the same id: it has its effect once, as where the id is the key of the effect. What
   * `isParallel` is repeatable as well. Any other call, once it was begun, is not made again by whoever takes over.
   */
  readonly isRepeatable?: boolean;
  /** A person says yes before each call; null: never asked. Says why, for the question. */
  consent?(input: unknown): string | null;
  /** What rules such as `Bash(git *)` are compared with; a tool without it can only be named as a whole. */
  subject?(input: unknown, context: ToolContext): Promise<ToolSubject>;
  /** Most characters of its answers; the toolbox's limit where it says none. */
  readonly maxAnswerChars?: number;
  /** Longest time of a call, in milliseconds; the toolbox's limit where it says none. */
  readonly timeoutMs?: number;
  /** Throws to tell the model of an error; what it throws is scrubbed of secrets first. */
  run(input: unknown, context: ToolContext): Promise<ToolOutcome>;
}

/** What a call is about, for the rules of a policy. */
export type ToolSubject =
  | { kind: "command"; command: string }
  /** Paths relative to the workspace, with `/`: as written, and where links in it lead. */
  | { kind: "paths"; paths: readonly string[] }
  | { kind: "host"; host: string };

export interface ToolContext {
  call: ToolCall;
  /** Absolute path that every file of the call lies in. */
  workspace: string;
  signal: AbortSignal;
  /** Whether the rules let this agent read a file, by its path in the workspace; for tools that look through folders. */
  mayRead?(path: string): boolean;
}

export interface ToolOutcome {
  /** What the model reads, cut to the executor's limit. */
  content: string;
  /** The call did not do what was asked; the model may try something else. */
  isError?: boolean;
}

/** The tools of one agent: what its model may call, and the calls. */
export interface Toolbox {
  readonly specs: readonly ToolSpec[];
  /** Whether calls of a turn may run beside each other. */
  isParallel(name: string): boolean;
  /** Whether a call that was begun and whose end nobody knows may be made again; what is parallel may. */
  isRepeatable?(name: string): boolean;
  /**
   * What has to be settled before a call has any effect, such as a person's consent: null where it may be made, else
   * the outcome that the model is told instead. It may wait, and is repeated by whoever takes over. `asked` is why a
   * person has to agree beside what the tools and their rules want; where nobody can be asked, the call is refused.
   */
  admit?(call: ToolCall, signal: AbortSignal, asked?: string): Promise<ToolOutcome | null>;
  /**
   * What went wrong is an outcome with `isError`, in words for the model; a call that was not admitted before is now.
   * Rejects only with the reason of an abort, with the end of the task (a lost lease, a budget that is reached), or with
   * what `askConsent` rejected with, so that whoever waits for a person can let go of the task: nothing was done then.
   */
  call(call: ToolCall, signal: AbortSignal): Promise<ToolOutcome>;
}

/** A question to a person: may this call be made? */
export interface ConsentRequest {
  call: ToolCall;
  /** Why it is asked, in a sentence. */
  reason: string;
}

export type ConsentAnswer = { granted: true } | { granted: false; reason?: string };

/** Asks a person. The id of the call names the question, so that it is asked once however often the call is tried. */
export type AskConsent = (request: ConsentRequest, signal: AbortSignal) => Promise<ConsentAnswer>;
