import { MusterError } from "@muster/sdk";
import type { ToolCall } from "../llm/model.ts";
import { type CheckInput, compileInputCheck } from "./check-input.ts";
import { createScrubber, type Scrub } from "./create-scrubber.ts";
import { cutText } from "./cut-text.ts";
import { createPolicyJudge, type PolicyJudge, type ToolPolicy } from "./policy/tool-policy.ts";
import type { AskConsent, Tool, Toolbox, ToolContext, ToolOutcome } from "./tool.ts";
import { ToolError } from "./tool-error.ts";

export interface ToolboxOptions {
  /** Absolute path that the files of all calls lie in. */
  workspace: string;
  /** Takes secrets out of what the model gets to read; by default it knows the shapes of keys only. */
  scrub?: Scrub;
  /** Asks a person. Without it, what needs consent is refused. */
  askConsent?: AskConsent;
  /** Most characters of an answer, 60,000 by default. */
  maxAnswerChars?: number;
  /** Longest time of a call in milliseconds, ten minutes by default. */
  timeoutMs?: number;
}

/** Without more said: what a model can read without losing the thread, and what a build may take. */
const toolboxDefaults = { maxAnswerChars: 60_000, timeoutMs: 600_000 } as const;

/** Calls that were admitted and not made yet; a turn has far fewer. */
const mostAdmitted = 1_000;
/** Errors by which the whole task ends: they are no news for the model. */
const endsOfTask: ReadonlySet<string> = new Set(["lease_lost", "budget_reached"]);

interface Bench {
  tools: ReadonlyMap<string, { tool: Tool; check: CheckInput }>;
  judge: PolicyJudge;
  options: ToolboxOptions;
  scrub: Scrub;
  /** Ids of calls that a person agreed to a moment ago. */
  admitted: Set<string>;
}

/**
 * The tools of one agent. A call goes the same way whatever the tool is: it must be one that the agent has, its arguments
 * must keep the schema, the policy must allow it, a person must agree where that is asked for; then it runs with a bound
 * on its time, and its answer is freed of secrets and cut. Two tools of one name are a mistake of ours and throw.
 */
export function createToolbox(tools: readonly Tool[], policy: ToolPolicy, options: ToolboxOptions): Toolbox {
  const judge = createPolicyJudge(policy);
  const offered = tools.filter(({ name }) => judge.offers(name));
  const byName = new Map(
    offered.map((tool) => [tool.name, { tool, check: compileInputCheck(tool.inputSchema) }]),
  );
  if (byName.size !== offered.length) throw new Error("Two tools have the same name.");
  const bench: Bench = {
    tools: byName,
    judge,
    options,
    scrub: options.scrub ?? createScrubber(),
    admitted: new Set(),
  };
  return {
    specs: offered.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })),
    isParallel: (name) => byName.get(name)?.tool.isParallel ?? false,
    isRepeatable: (name) => {
      const tool = byName.get(name)?.tool;
      return tool?.isRepeatable ?? tool?.isParallel ?? false;
    },
    admit: async (call, signal, asked) => {
      const refused = await refusalOf(bench, call, signal, asked);
      if (refused !== null) return refusal(bench, refused);
      if (bench.admitted.size < mostAdmitted) bench.admitted.add(call.id);
      return null;
    },
    call: (call, signal) => callTool(bench, call, signal),
  };
}

async function callTool(bench: Bench, call: ToolCall, signal: AbortSignal): Promise<ToolOutcome> {
  const refused = await refusalOf(bench, call, signal);
  if (refused !== null) return refusal(bench, refused);
  bench.admitted.delete(call.id);
  const { tool } = bench.tools.get(call.name)!;
  const timeoutMs = tool.timeoutMs ?? bench.options.timeoutMs ?? toolboxDefaults.timeoutMs;
  const slow = new AbortController();
  const timer = setTimeout(
    () => slow.abort(new ToolError(`It took longer than ${timeoutMs} ms.`)),
    timeoutMs,
  );
  const context = contextOf(bench, call, AbortSignal.any([signal, slow.signal]));
  try {
    return tidy(bench, tool, await untilAborted(tool.run(call.input, context), context.signal));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof MusterError && endsOfTask.has(error.code)) throw error;
    return refusal(
      bench,
      `${call.name} failed: ${messageOf(slow.signal.aborted ? slow.signal.reason : error)}`,
    );
  } finally {
    clearTimeout(timer);
  }
}

const contextOf = ({ judge, options }: Bench, call: ToolCall, signal: AbortSignal): ToolContext => ({
  call,
  workspace: options.workspace,
  signal,
  mayRead: (path) => !judge.hides(path),
});

/** Why a call is not made; null where it is. */
async function refusalOf(
  bench: Bench,
  call: ToolCall,
  signal: AbortSignal,
  asked?: string,
): Promise<string | null> {
  signal.throwIfAborted();
  const found = bench.tools.get(call.name);
  if (found === undefined) return `There is no tool ${call.name}. ${listOf(bench)}`;
  const wrong = found.check(call.input);
  if (wrong !== null) return `The call does not keep the schema of ${call.name}: ${wrong}.`;
  return permission(bench, found.tool, contextOf(bench, call, signal), signal, asked);
}

/** Why a call may not be made; null where it may. */
async function permission(
  { judge, options, admitted }: Bench,
  tool: Tool,
  context: ToolContext,
  signal: AbortSignal,
  asked?: string,
): Promise<string | null> {
  const { call } = context;
  let subject = null;
  try {
    subject = (await tool.subject?.(call.input, context)) ?? null;
  } catch (error) {
    signal.throwIfAborted();
    return `${call.name} failed: ${messageOf(error)}`;
  }
  const verdict = judge.judge(call.name, subject);
  if (verdict.kind === "denied") {
    return verdict.rule === null
      ? `This call of ${call.name} is not among those that are allowed.`
      : `This call of ${call.name} is denied by the rule ${verdict.rule}.`;
  }
  const own =
    tool.consent?.(call.input) ?? (verdict.kind === "asks" ? `The rule ${verdict.rule} asks for it.` : null);
  const reason = asked === undefined ? own : own === null ? asked : `${asked} ${own}`;
  if (reason === null || admitted.has(call.id)) return null;
  if (options.askConsent === undefined) {
    return `${call.name} needs a person's consent, and nobody can be asked here. ${reason}`;
  }
  const answer = await untilAborted(options.askConsent({ call, reason }, signal), signal);
  if (answer.granted) return null;
  return `A person declined this call of ${call.name}${answer.reason === undefined ? "." : `: ${answer.reason}`}`;
}

/** What does not listen to the signal is left behind, so that a stop stops. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function tidy(
  { scrub, options }: Bench,
  tool: Pick<Tool, "maxAnswerChars">,
  outcome: ToolOutcome,
): ToolOutcome {
  const most = tool.maxAnswerChars ?? options.maxAnswerChars ?? toolboxDefaults.maxAnswerChars;
  // Secrets first: one that is cut in two would not be known again.
  const content = cutText(scrub(outcome.content), most);
  return outcome.isError === true ? { content, isError: true } : { content };
}

const refusal = (bench: Bench, content: string): ToolOutcome => tidy(bench, {}, { content, isError: true });

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const listOf = ({ tools }: Bench): string =>
  tools.size === 0 ? "This agent has none." : `This agent has ${[...tools.keys()].join(", ")}.`;
