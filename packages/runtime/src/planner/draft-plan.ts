import { AttemptError } from "@muster/sdk";
import type { Workflow } from "@muster/workflow";
import { askModel } from "../agent-loop/ask-model.ts";
import { createJudge } from "../agent-loop/check-answer.ts";
import { tokensOfText } from "../agent-loop/conversation.ts";
import type { LoopContext } from "../agent-loop/loop-settings.ts";
import type { Model, ModelMessage } from "../llm/model.ts";
import type { Failure } from "./carry-out.ts";
import { checkPlan, type PlanRules } from "./check-plan.ts";
import { answerSchema, goalPrompt, repairPrompt, revisionPrompt, systemPrompt } from "./plan-prompts.ts";
import { clipText } from "./untrusted.ts";

export interface PlannerModel {
  model: Model;
  /** A model or an alias. */
  modelName: string;
  maxOutputTokens: number;
}

/** A workflow that was checked, and what it cost to think of it. */
export interface Draft {
  workflow: Workflow;
  document: Record<string, unknown>;
  /** Null: the price of a model is not known. */
  costMicros: number | null;
}

/** An answer of the model as the journal keeps it. */
interface DraftEntry {
  text: string;
  isCut: boolean;
  costMicros: number | null;
}

/** Answers that are asked for until one can be used. */
const mostTries = 4;
/** Characters of an answer that can't be used which the model sees again. */
const shownAnswer = 16_000;
const cannotLength = 1_000;

const judge = createJudge(answerSchema, "The answer of the planner");

/**
 * Asks the model for a workflow until the checker takes one, a few times: each answer is an entry of the journal, so that
 * no attempt pays for it again or gets another. What the checker says of an entry follows from it and the rules alone.
 */
export const draftPlan = async (
  context: LoopContext,
  planner: PlannerModel,
  rules: PlanRules,
  { number, failures }: { number: number; failures: readonly Failure[] },
): Promise<Draft> => {
  const messages: ModelMessage[] = [{ role: "user", content: firstWord(rules, failures) }];
  let costMicros: number | null = 0;
  let problems: string[] = [];
  for (let tried = 0; tried < mostTries; tried++) {
    const key = `plan:${number}:${tried}`;
    const entry = await context.step(key, () => ask(context, planner, rules, messages, key));
    costMicros = costMicros === null || entry.costMicros === null ? null : costMicros + entry.costMicros;
    const verdict = judgeEntry(entry, rules);
    if ("cannot" in verdict) throw noPlan(`The planner found no way: ${verdict.cannot}`);
    if ("workflow" in verdict) return { ...verdict, costMicros };
    problems = verdict.problems;
    context.log("info", "The plan can't be used; it is asked for again.", { problems: problems.slice(0, 5) });
    messages.push(
      { role: "assistant", content: clipText(entry.text, shownAnswer), toolCalls: [] },
      { role: "user", content: repairPrompt(problems) },
    );
  }
  throw noPlan(`The model gave no usable plan in ${mostTries} tries: ${problems.slice(0, 3).join("; ")}`);
};

const firstWord = (rules: PlanRules, failures: readonly Failure[]): string => {
  const goal = goalPrompt(rules.goal, rules.offers);
  return failures.length === 0 ? goal : `${goal}\n\n${revisionPrompt(rules.finished, failures)}`;
};

const ask = async (
  context: LoopContext,
  { model, modelName, maxOutputTokens }: PlannerModel,
  { goal }: PlanRules,
  messages: readonly ModelMessage[],
  key: string,
): Promise<DraftEntry> => {
  const system = systemPrompt(goal.limits);
  const request = {
    model: modelName,
    system,
    messages,
    tools: [],
    maxOutputTokens,
    outputSchema: answerSchema,
  };
  const inputTokens = tokensOfText(system) + tokensOfText(JSON.stringify(messages));
  const turn = await askModel(context, { model }, { key, request, inputTokens, signal: context.signal });
  return { text: turn.text, isCut: turn.finish === "length", costMicros: turn.costMicros };
};

type Verdict = { cannot: string } | { problems: string[] } | Omit<Draft, "costMicros">;

const judgeEntry = ({ text, isCut }: DraftEntry, rules: PlanRules): Verdict => {
  if (isCut) return { problems: ["the answer was cut because it was too long; plan fewer steps"] };
  const judged = judge(text);
  if ("fault" in judged) return { problems: [judged.fault] };
  const { workflow, cannot } = judged.output as { workflow: string; cannot: string };
  if (workflow.trim() !== "") return checkPlan(workflow, rules);
  if (cannot.trim() === "") return { problems: ["workflow and cannot are both empty"] };
  return { cannot: clipText(cannot, cannotLength) };
};

/** What is in the journal stays there: another attempt would end here, too. */
const noPlan = (message: string): AttemptError =>
  new AttemptError(message, { code: "no_plan", retryable: false });
