import { askCapability, limits, MusterError, type Question, type TaskSubmission } from "@muster/sdk/protocol";
import { createForeignSchemas } from "../discovery/foreign-schemas.ts";
import { inboxTool } from "../queue/route.ts";
import { payload } from "../validate.ts";

/** A question as the statement takes it that writes it. */
export interface NewItem {
  task_id: string;
  tenant: string;
  kind: "question" | "approval";
  gate: boolean;
  question: string;
  schema: Record<string, unknown> | boolean;
  fallback: [unknown] | null;
  to_person: string | null;
  to_capability: string | null;
  escalate_person: string | null;
  escalate_capability: string | null;
  remind_ms: number | null;
  remind_at: number | null;
  escalate_at: number | null;
  expires_at: number;
}

/** The answer to an approval, as agents get it. */
const approvalSchema = {
  type: "object",
  properties: {
    approved: { type: "boolean", title: "Approve?" },
    reason: { type: "string", title: "Why", maxLength: limits.reasonLength },
  },
  required: ["approved"],
  additionalProperties: false,
};

const textSchema = { type: "string", minLength: 1, maxLength: limits.textLength };
const schemas = createForeignSchemas();

/** What a question asks of whoever does its task: a route that no agent is on. */
export function placeOfQuestion({ to }: Question) {
  return {
    capability: to?.person === undefined ? (to?.capability ?? askCapability) : null,
    requested: to?.person ?? null,
    tools: [inboxTool],
  };
}

/** Refuses a question that can't be asked, with the place of the mistake. */
export function planQuestion(
  submission: TaskSubmission & { ask: Question },
  what: string,
  { id, tenant, now }: { id: string; tenant: string; now: number },
): NewItem {
  const { ask } = submission;
  refuseMixture(submission, what);
  const schema = schemaOf(ask, what);
  const expiry = ask.expireMs ?? limits.durationMs;
  return {
    task_id: id,
    tenant,
    kind: ask.approval ? "approval" : "question",
    gate: false,
    question: payload(ask.text, `${what}/ask/text`),
    schema,
    fallback: fallbackOf(ask, schema, what),
    to_person: ask.to?.person ?? null,
    to_capability: ask.to?.capability ?? null,
    escalate_person: ask.escalateTo?.person ?? null,
    escalate_capability: ask.escalateTo?.capability ?? null,
    remind_ms: ask.remindMs ?? null,
    remind_at: ask.remindMs === undefined ? null : now + ask.remindMs,
    escalate_at: ask.escalateMs === undefined ? null : now + ask.escalateMs,
    expires_at: now + expiry,
  };
}

function refuseMixture({ ask, capability, agent, tools }: TaskSubmission & { ask: Question }, what: string) {
  if (capability !== undefined || agent !== undefined || tools !== undefined) {
    throw new MusterError(
      "invalid_request",
      `${what} asks people, and names a capability, an agent or tools too.`,
      {
        hint: 'Say whom to ask with "ask": {"to": {"person": …}} or {"capability": …}.',
      },
    );
  }
  if ((ask.escalateMs === undefined) !== (ask.escalateTo === undefined)) {
    throw new MusterError(
      "invalid_request",
      `${what}/ask has one of escalateMs and escalateTo without the other.`,
      {
        hint: "Say both: after how long, and to whom.",
      },
    );
  }
  if (ask.approval && ask.schema !== undefined) {
    throw new MusterError("invalid_request", `${what}/ask is an approval, whose schema is known.`, {
      hint: "Leave out the schema, or ask a question instead.",
    });
  }
}

function schemaOf(ask: Question, what: string): NewItem["schema"] {
  if (ask.approval) return approvalSchema;
  if (ask.schema === undefined) return textSchema;
  const schema = payload(ask.schema, `${what}/ask/schema`);
  try {
    schemas.compile(schema);
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    throw new MusterError(error.code, `${what}/ask/schema: ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
  return schema;
}

function fallbackOf(ask: Question, schema: NewItem["schema"], what: string): NewItem["fallback"] {
  if (!("default" in ask)) return null;
  const value = payload(ask.default ?? null, `${what}/ask/default`);
  const mismatch = schemas.mismatch(schema, value);
  if (mismatch === null) return [value];
  throw new MusterError("invalid_input", `${what}/ask/default does not fit the schema: ${mismatch}.`);
}
