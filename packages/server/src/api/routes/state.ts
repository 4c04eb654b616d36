import {
  limits,
  MusterError,
  ProjectName,
  StateChange,
  StateDiff,
  StateEntry,
  StateFilter,
  StatePath,
  StatePrefix,
  StateProject,
  StateVersion,
  type StateWrite,
  StateWritten,
} from "@muster/sdk/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import Type, { type Static } from "typebox";
import type { StateSpace } from "../../core/orchestrator.ts";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { acceptJsonTypes } from "../json-body.ts";
import { longWait } from "../long-wait.ts";
import { listOf, pageOf } from "../operation.ts";
import { describeDocument, etagOf, versionWanted } from "../state-headers.ts";
import { WaitMs } from "./request-schemas.ts";

/*
 * A document is at `/v1/state/<project>/<path>`: what GET answers is the document itself, and what is known of it is in
 * headers. What is told of documents is beside it: versions, differences and changes.
 */
const tag = "state";
const access = ["admin", "client"] as const;
const closed = { additionalProperties: false } as const;

const Project = Type.Object({ project: ProjectName }, closed);
const Place = Type.Object({ project: ProjectName, "*": StatePath }, closed);
const VersionNumber = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const WriteQuery = Type.Object(
  {
    merge: Type.Optional(
      Type.Enum(["three-way"], { description: "Where if-match is not the newest version: merge." }),
    ),
    lock: Type.Optional(Type.String({ minLength: 1, maxLength: limits.keyLength })),
    lockToken: Type.Optional(Type.String({ format: "uuid" })),
  },
  closed,
);
const patchTypes = {
  "application/merge-patch+json": "merge-patch",
  "application/json-patch+json": "json-patch",
} as const;

export async function addStateRoutes(app: ApiServer, context: ApiContext): Promise<void> {
  addListings(app, context);
  addChanges(app, context);
  await app.register(async (scope) => {
    acceptJsonTypes(scope, Object.keys(patchTypes));
    addReading(scope as ApiServer, context);
    addWriting(scope as ApiServer, context);
  });
}

const spaceOf = ({ orchestrator }: ApiContext, { params, principal }: FastifyRequest): StateSpace =>
  orchestrator.state.of(principal, (params as { project: string }).project);
const pathOf = ({ params }: FastifyRequest): string => (params as { "*": string })["*"];

function addReading(app: ApiServer, context: ApiContext): void {
  const Query = Type.Object({ version: Type.Optional(VersionNumber) }, closed);
  app.get(
    "/v1/state/:project/*",
    context.operation({
      id: "getState",
      tag,
      access,
      summary: "A document, or an older version of it, unless the client has it (`if-none-match`).",
      params: Place,
      querystring: Query,
      answer: { status: 200, schema: Type.Unknown({ description: "The content of the document." }) },
    }),
    async (request, reply) => {
      const { version } = request.query as Static<typeof Query>;
      const document = await spaceOf(context, request).get(pathOf(request), version);
      describeDocument(reply, document);
      if (request.headers["if-none-match"] === etagOf(document)) return reply.code(304).send();
      return reply.type("application/json; charset=utf-8").send(JSON.stringify(document.content));
    },
  );
}

function addWriting(app: ApiServer, context: ApiContext): void {
  const described = (id: string, summary: string, consumes?: string[]) => {
    const { schema, config } = context.operation({
      id,
      tag,
      access,
      summary,
      params: Place,
      querystring: WriteQuery,
      ...(consumes === undefined ? {} : { body: Type.Unknown() }),
      answer: { status: 200, schema: StateWritten },
    });
    return { schema: { ...schema, ...(consumes === undefined ? {} : { consumes }) }, config };
  };
  app.put(
    "/v1/state/:project/*",
    described("putState", "Write a document: a new one, or a new version of it.", ["application/json"]),
    (request, reply) => {
      if (/\bjson-patch|merge-patch/i.test(request.headers["content-type"] ?? "")) throw patchInPut();
      return write(context, request, reply, "put");
    },
  );
  app.patch(
    "/v1/state/:project/*",
    described(
      "patchState",
      "Change a document by JSON Merge Patch (RFC 7396) or JSON Patch (RFC 6902), as the content type says.",
      Object.keys(patchTypes),
    ),
    (request, reply) => write(context, request, reply, patchKindOf(request)),
  );
  app.delete(
    "/v1/state/:project/*",
    described("deleteState", "Delete a document; its history stays for a while."),
    (request, reply) => write(context, request, reply, "delete"),
  );
}

async function write(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  kind: StateWrite["kind"],
): Promise<StateWritten> {
  const { merge, lock, lockToken } = request.query as Static<typeof WriteQuery>;
  if ((lock === undefined) !== (lockToken === undefined)) {
    throw new MusterError("invalid_request", "A lock and its token belong together.", {
      hint: "Send both lock and lockToken, or none of them.",
    });
  }
  const written = await spaceOf(context, request).write(pathOf(request), {
    kind,
    ...(kind === "delete" ? {} : { body: request.body }),
    ...versionWanted(request),
    ...(merge === undefined ? {} : { merge }),
    ...(lock === undefined || lockToken === undefined ? {} : { lock: { name: lock, token: lockToken } }),
  });
  reply.header("etag", etagOf(written));
  return written;
}

function patchKindOf({ headers }: FastifyRequest): StateWrite["kind"] {
  const type = (headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const kind = Object.entries(patchTypes).find(([name]) => name === type)?.[1];
  if (kind !== undefined) return kind;
  throw new MusterError("unsupported_media_type", "The content type does not say which patch this is.", {
    hint: `Send it as ${Object.keys(patchTypes).join(" or ")}.`,
  });
}

const patchInPut = (): MusterError =>
  new MusterError("unsupported_media_type", "PUT takes the whole document, not a patch.", {
    hint: "Send a patch with PATCH, and a document as application/json.",
  });

function addListings(app: ApiServer, context: ApiContext): void {
  const { orchestrator, operation } = context;
  app.get(
    "/v1/state",
    operation({
      id: "listStateProjects",
      tag,
      access,
      summary: "Projects with their documents.",
      answer: { status: 200, schema: listOf(StateProject) },
    }),
    async ({ principal }) => ({ items: await orchestrator.state.projects(principal) }),
  );
  app.get(
    "/v1/state/:project",
    operation({
      id: "listState",
      tag,
      access,
      summary: "Documents of a project in the order of their paths, without their contents.",
      params: Project,
      querystring: StateFilter,
      answer: {
        status: 200,
        schema: Type.Object({
          ...pageOf(StateEntry).properties,
          createdAt: Type.Union([Type.String(), Type.Null()], {
            description: "When the project was first written to; null: never.",
          }),
        }),
      },
    }),
    (request) => spaceOf(context, request).list(request.query as Static<typeof StateFilter>),
  );
  addHistory(app, context);
}

function addHistory(app: ApiServer, context: ApiContext): void {
  const Query = Type.Object(
    {
      before: Type.Optional(VersionNumber),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageSize, default: 50 })),
    },
    closed,
  );
  app.get(
    "/v1/state-versions/:project/*",
    context.operation({
      id: "listStateVersions",
      tag,
      access,
      summary: "The versions of a document that are kept, newest first.",
      params: Place,
      querystring: Query,
      answer: { status: 200, schema: pageOf(StateVersion) },
    }),
    (request) => spaceOf(context, request).versions(pathOf(request), request.query as Static<typeof Query>),
  );
  const Range = Type.Object(
    {
      from: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: "0: nothing." }),
      to: VersionNumber,
    },
    closed,
  );
  app.get(
    "/v1/state-diff/:project/*",
    context.operation({
      id: "diffState",
      tag,
      access,
      summary: "What has changed between two versions of a document, as a JSON Patch.",
      params: Place,
      querystring: Range,
      answer: { status: 200, schema: StateDiff },
    }),
    (request) => {
      const { from, to } = request.query as Static<typeof Range>;
      return spaceOf(context, request).diff(pathOf(request), from, to);
    },
  );
}

function addChanges(app: ApiServer, context: ApiContext): void {
  const Query = Type.Object(
    {
      after: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
          description: "Only changes behind this position; without it nothing but the position of now.",
        }),
      ),
      prefix: StatePrefix,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageSize, default: limits.pageSize })),
      waitMs: WaitMs({ default: 0, description: "Where there are none, wait this long for one." }),
    },
    closed,
  );
  app.get(
    "/v1/state-changes/:project",
    context.operation({
      id: "watchState",
      tag,
      access,
      summary: "Changes of a project in order, behind a position; waits for the next one.",
      params: Project,
      querystring: Query,
      answer: {
        status: 200,
        schema: Type.Object({
          items: Type.Array(StateChange),
          position: Type.Integer({ description: "Pass it as `after` to go on." }),
        }),
      },
    }),
    async (request, reply) => {
      const { waitMs = 0, ...filter } = request.query as Static<typeof Query>;
      const space = spaceOf(context, request);
      const look = (ms: number, signal?: AbortSignal) => space.changes(filter, ms, signal);
      if (waitMs === 0) return look(0);
      return longWait(
        reply,
        context.closing,
        (signal) => look(waitMs, signal),
        () => look(0),
      );
    },
  );
}
