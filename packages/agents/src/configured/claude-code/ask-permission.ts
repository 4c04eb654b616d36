import type { TaskContext } from "@muster/sdk";
import { limits } from "@muster/sdk/protocol";
import type { ClaudeCodeAgent } from "../configured-agent.ts";
import type { WorkTimer } from "../work-timer.ts";
import type { PermissionRequest, PermissionResult, QueryOptions } from "./claude-agent-sdk.ts";

/** Questions that one attempt may put to people. */
const mostQuestions = 100;
/** Bytes of a call that people are shown in full; a larger one is refused, since nobody reads that. */
const mostCallBytes = 64 * 1024;
/** Characters of a call in the question itself. */
const shownCall = 3_000;

interface Question {
  question: string;
  options?: { label: string; description?: string }[];
}

/**
 * What Claude Code may not do by itself, people decide: a yes lets it make the one call that they saw, anything else is a
 * no, with their reason. What Claude Code asks people, they are asked. Where the file says `refuse`, nobody is asked.
 */
export function askPermission(
  agent: ClaudeCodeAgent,
  context: TaskContext,
  timer: WorkTimer,
): QueryOptions["canUseTool"] {
  let asked = 0;
  return async (tool, input, request) => {
    if (agent.permissions === "refuse") return deny("Nobody may be asked here; go on without it.");
    if (++asked > mostQuestions) return deny(`People were asked ${mostQuestions} times already.`);
    try {
      if (tool === "AskUserQuestion") return await answer(agent, context, timer, input, request);
      return await approve(agent, context, timer, tool, input, request);
    } catch (error) {
      context.signal.throwIfAborted();
      return deny(`People did not allow it: ${(error as Error).message}`);
    }
  };
}

const deny = (message: string): PermissionResult => ({ behavior: "deny", message });

async function approve(
  agent: ClaudeCodeAgent,
  context: TaskContext,
  timer: WorkTimer,
  tool: string,
  input: Record<string, unknown>,
  { toolUseID, title, blockedPath, decisionReason }: PermissionRequest,
): Promise<PermissionResult> {
  const call = JSON.stringify(input);
  if (Buffer.byteLength(call) > mostCallBytes)
    return deny(`A call of more than ${mostCallBytes} bytes is shown to nobody; make it smaller.`);
  const shown = call.length > shownCall ? `${call.slice(0, shownCall)}… (all of it is in the input)` : call;
  const text = [
    `${agent.name} wants to use ${tool}: ${shown}`,
    title,
    blockedPath === undefined ? undefined : `It is about ${blockedPath}.`,
    decisionReason,
  ]
    .filter(Boolean)
    .join("\n")
    .slice(0, limits.textLength);
  const key = `claude-code:allow:${toolUseID}`.slice(0, limits.keyLength);
  const { approved, reason } = await timer.still(() =>
    context.approve(text, { key, input: { tool, input } }),
  );
  return approved ? { behavior: "allow", updatedInput: input } : deny(reason ?? "A person said no.");
}

async function answer(
  agent: ClaudeCodeAgent,
  context: TaskContext,
  timer: WorkTimer,
  input: Record<string, unknown>,
  { toolUseID }: PermissionRequest,
): Promise<PermissionResult> {
  const answers: Record<string, string> = {};
  for (const [index, { question, options = [] }] of questionsIn(input).entries()) {
    const choices = options.map(({ label, description = "" }) => `- ${label}: ${description}`);
    const text = [`${agent.name} asks: ${question}`, ...choices].join("\n").slice(0, limits.textLength);
    const key = `claude-code:ask:${index}:${toolUseID}`.slice(0, limits.keyLength);
    answers[question] = await timer.still(() => context.ask(text, undefined, { key }));
  }
  return { behavior: "allow", updatedInput: { ...input, answers } };
}

const questionsIn = ({ questions }: Record<string, unknown>): Question[] =>
  Array.isArray(questions)
    ? questions.filter((one): one is Question => typeof one?.question === "string").slice(0, 4)
    : [];
