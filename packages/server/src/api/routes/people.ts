import {
  Autonomy,
  AutonomyFilter,
  AutonomyHistory,
  InboxAnswer,
  InboxClaim,
  InboxDecline,
  InboxDelegation,
  InboxFilter,
  InboxItem,
  InboxOutcome,
  InboxRelease,
  limits,
  Person,
  PersonRegistration,
} from "@muster/sdk/protocol";
import Type from "typebox";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { listOf, pageOf } from "../operation.ts";
import { TaskOrRunId } from "./request-schemas.ts";

const tag = "people";
const users = ["admin", "client"] as const;
const closed = { additionalProperties: false } as const;
const dayMs = 24 * 3_600_000;

const PersonParams = Type.Object(
  { person: Type.String({ minLength: 1, maxLength: limits.nameLength, description: "Name or id." }) },
  closed,
);
const InboxQuery = Type.Object(
  {
    ...InboxFilter.properties,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageSize })),
    after: Type.Optional(Type.String({ format: "uuid" })),
  },
  closed,
);
const AutonomyQuery = Type.Object(
  { sinceMs: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.ageMs, default: dayMs })) },
  closed,
);

/** People, and what waits for them. Keys of agents have no way in here: an agent does not answer its own questions. */
export function addPeopleRoutes(app: ApiServer, context: ApiContext): void {
  addPeople(app, context);
  addLooking(app, context);
  addTaking(app, context);
  addAnswering(app, context);
}

function addPeople(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { people } = orchestrator;
  app.post(
    "/v1/people",
    operation({
      id: "putPerson",
      tag,
      access: ["admin"],
      summary: "Add a person, or change what is said of one of that name.",
      body: PersonRegistration,
      answer: { status: 200, schema: Person },
    }),
    ({ body, principal }) => people.put(body, principal),
  );
  app.get(
    "/v1/people",
    operation({
      id: "listPeople",
      tag,
      access: users,
      summary: "Everybody, by name.",
      answer: { status: 200, schema: listOf(Person) },
    }),
    async ({ principal }) => ({ items: await people.list(principal) }),
  );
  app.get(
    "/v1/people/:person",
    operation({
      id: "getPerson",
      tag,
      access: users,
      summary: "One person.",
      params: PersonParams,
      answer: { status: 200, schema: Person },
    }),
    ({ params, principal }) => people.get(params.person, principal),
  );
  app.delete(
    "/v1/people/:person",
    operation({
      id: "removePerson",
      tag,
      access: ["admin"],
      summary: "Remove a person. Their keys are good for nothing in the inbox from now on.",
      params: PersonParams,
      answer: { status: 200, schema: Person },
    }),
    ({ params, principal }) => people.remove(params.person, principal),
  );
}

function addLooking(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { inbox } = orchestrator;
  app.get(
    "/v1/inbox",
    operation({
      id: "listInbox",
      tag,
      access: users,
      summary:
        "What waits for people, oldest first: of the person of the key, or all. `next` goes into `after`.",
      querystring: InboxQuery,
      answer: { status: 200, schema: pageOf(InboxItem) },
    }),
    ({ query, principal }) => inbox.list(query, principal),
  );
  app.get(
    "/v1/inbox/:id",
    operation({
      id: "getInboxItem",
      tag,
      access: users,
      summary: "One item with the schema of its answer.",
      params: TaskOrRunId,
      answer: { status: 200, schema: InboxItem },
    }),
    ({ params, principal }) => inbox.get(params.id, principal),
  );
  app.get(
    "/v1/autonomy",
    operation({
      id: "getAutonomy",
      tag,
      access: users,
      summary: "The share of tasks that were finished without a person.",
      querystring: AutonomyQuery,
      answer: { status: 200, schema: Autonomy },
    }),
    ({ query, principal }) => inbox.share(query.sinceMs ?? dayMs, principal),
  );
  app.get(
    "/v1/autonomy/history",
    operation({
      id: "getAutonomyHistory",
      tag,
      access: users,
      summary: "The same by day or by capability, for longer than tasks are kept. It is some seconds behind.",
      querystring: AutonomyFilter,
      answer: { status: 200, schema: AutonomyHistory },
    }),
    ({ query, principal }) => inbox.history(query, principal),
  );
}

function addTaking(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { inbox } = orchestrator;
  app.post(
    "/v1/inbox/:id/claim",
    operation({
      id: "claimInboxItem",
      tag,
      access: users,
      summary: "Keep it for oneself for a while.",
      params: TaskOrRunId,
      body: InboxClaim,
      answer: { status: 200, schema: InboxOutcome },
    }),
    ({ params, body, principal }) => inbox.claim(params.id, body, principal),
  );
  app.post(
    "/v1/inbox/:id/release",
    operation({
      id: "releaseInboxItem",
      tag,
      access: users,
      summary: "Give a claim back; an admin may end anybody's.",
      params: TaskOrRunId,
      body: InboxRelease,
      answer: { status: 200, schema: InboxOutcome },
    }),
    ({ params, body, principal }) => inbox.release(params.id, body, principal),
  );
}

function addAnswering(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { inbox } = orchestrator;
  app.post(
    "/v1/inbox/:id/answer",
    operation({
      id: "answerInboxItem",
      tag,
      access: users,
      summary: "Answer it; one answer is taken, and it has to fit the schema.",
      params: TaskOrRunId,
      body: InboxAnswer,
      answer: { status: 200, schema: InboxOutcome },
    }),
    ({ params, body, principal }) => inbox.answer(params.id, body, principal),
  );
  app.post(
    "/v1/inbox/:id/decline",
    operation({
      id: "declineInboxItem",
      tag,
      access: users,
      summary: "Not by oneself: it goes to somebody else, and fails where nobody is left.",
      params: TaskOrRunId,
      body: InboxDecline,
      answer: { status: 200, schema: InboxOutcome },
    }),
    ({ params, body, principal }) => inbox.decline(params.id, body, principal),
  );
  app.post(
    "/v1/inbox/:id/delegate",
    operation({
      id: "delegateInboxItem",
      tag,
      access: users,
      summary: "Give it to another person, or to all with a capability.",
      params: TaskOrRunId,
      body: InboxDelegation,
      answer: { status: 200, schema: InboxOutcome },
    }),
    ({ params, body, principal }) => inbox.delegate(params.id, body, principal),
  );
}
