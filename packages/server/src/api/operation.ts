import type { FastifySchema } from "fastify";
import Type, { type TSchema } from "typebox";
import type { Access } from "./authenticate.ts";
import type { NamedSchemas } from "./named-schemas.ts";
import { problemType } from "./problems.ts";

export const tags = [
  { name: "tasks", description: "Hand in work, watch it, stop it." },
  { name: "retries", description: "When failed attempts are made again, and what failed for good." },
  { name: "runs", description: "Executions of workflows." },
  { name: "schedules", description: "Work that is handed in at certain times." },
  { name: "triggers", description: "Work that is handed in when an event happens." },
  { name: "agents", description: "Who is there, and how to join." },
  { name: "agent operations", description: "What an agent does with its session." },
  { name: "artifacts", description: "Files that are too large for inputs and outputs." },
  { name: "state", description: "Versioned JSON documents that agents and people share." },
  { name: "memory", description: "What agents and people found worth remembering." },
  { name: "rollouts", description: "Bring a new version of an agent in, step by step." },
  { name: "locks", description: "Mutual exclusion with an end, in the order of arrival, with fences." },
  { name: "people", description: "People as agents: who they are, and what waits for them." },
  { name: "events", description: "Everything that happens, in order." },
  { name: "keys", description: "API keys." },
  { name: "backups", description: "Snapshots of everything, for admins of all tenants." },
  { name: "server", description: "The server itself." },
];

/** What a route is called, who may call it, what it takes and what it answers. */
interface OperationDescription {
  id: string;
  tag: (typeof tags)[number]["name"];
  summary: string;
  access: Access;
  params?: TSchema;
  querystring?: TSchema;
  body?: TSchema;
  /** Status and schema of the good answer; a string where the answer has no JSON body. */
  answer: { status: number; schema: TSchema | string };
}

type Parts<D> = {
  [Part in "params" | "querystring" | "body" as D extends { [P in Part]: TSchema }
    ? Part
    : never]: D extends {
    [P in Part]: infer Schema;
  }
    ? Schema
    : never;
};

/**
 * Makes the options of a Fastify route of a description: the schemas that requests are validated against,
 * and with the same words the entry in the OpenAPI document.
 */
export type Operation = <const D extends OperationDescription>(
  description: D,
) => { schema: FastifySchema & Parts<D>; config: { access: Access } };

export function createOperation(named: NamedSchemas, problem: TSchema): Operation {
  const problemAnswer = (description: string) => ({
    description,
    content: { [problemType]: { schema: named.refer(problem) } },
  });

  return <const D extends OperationDescription>(description: D) => {
    const { id, tag, summary, access, params, querystring, body, answer }: OperationDescription = description;
    const schema = {
      operationId: id,
      tags: [tag],
      summary,
      security: securityOf(access),
      ...(params === undefined ? {} : { params: named.refer(params) }),
      ...(querystring === undefined ? {} : { querystring: named.refer(querystring) }),
      ...(body === undefined ? {} : { body: named.refer(body) }),
      response: {
        [answer.status]: goodAnswer(named, answer.schema),
        ...Object.fromEntries(problemsOf(description).map(([status, text]) => [status, problemAnswer(text)])),
      },
    };
    return { schema: schema as FastifySchema as FastifySchema & Parts<D>, config: { access } };
  };
}

const goodAnswer = (named: NamedSchemas, schema: TSchema | string) =>
  typeof schema === "string"
    ? { type: "null", description: schema }
    : { description: "Done.", content: { "application/json": { schema: named.refer(schema) } } };

function securityOf(access: Access): Record<string, string[]>[] {
  if (access === "public") return [];
  return [access === "session" ? { session: [] } : { apiKey: [] }];
}

function problemsOf({ access, body, params, tag }: OperationDescription): [number, string][] {
  const all: [number, string, boolean][] = [
    [400, "The request is not valid; `errors` says where.", true],
    [401, "No key or session, or not a good one.", access !== "public"],
    [403, "The key or session is good, but not for this.", access !== "public"],
    [404, "There is no such thing, or it is another tenant's.", params !== undefined],
    [409, "It is not possible in the present state.", params !== undefined || body !== undefined],
    [412, "The document is not the version that the request was made for.", tag === "state"],
    [413, "The body is too large.", body !== undefined],
    [415, "The body is not JSON.", body !== undefined],
    [422, "The request is well-formed, but what it asks for does not add up.", body !== undefined],
    [429, "Too many requests; `retry-after` says how long to wait.", access !== "public"],
    [500, "A fault of Muster; the detail names the request for the log.", true],
    [503, "Not at the moment; try again.", true],
  ];
  return all.filter(([, , applies]) => applies).map(([status, text]) => [status, text]);
}

/** One page of a listing. */
export const pageOf = <T extends TSchema>(items: T) =>
  Type.Object({
    items: Type.Array(items),
    next: Type.Union([Type.String(), Type.Null()], {
      description: "Pass it as `before` to get the page behind this one; null at the end.",
    }),
  });

export const listOf = <T extends TSchema>(items: T) => Type.Object({ items: Type.Array(items) });
