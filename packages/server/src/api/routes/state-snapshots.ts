import { Readable } from "node:stream";
import {
  limits,
  ProjectName,
  PrunedSnapshots,
  StateRestored,
  StateRestoreRequest,
  StateSnapshot,
  StateSnapshotRequest,
} from "@muster/sdk/protocol";
import type { FastifyRequest } from "fastify";
import Type, { type Static } from "typebox";
import type { StateSnapshots } from "../../core/orchestrator.ts";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { pageOf } from "../operation.ts";

const tag = "state";
const access = ["admin", "client"] as const;
const closed = { additionalProperties: false } as const;

const Project = Type.Object({ project: ProjectName }, closed);
const Named = Type.Object({ project: ProjectName, id: Type.String({ format: "uuid" }) }, closed);
const PageQuery = Type.Object(
  {
    before: Type.Optional(Type.String({ format: "uuid" })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageSize, default: 50 })),
  },
  closed,
);
const Prune = Type.Object(
  {
    keep: Type.Integer({ minimum: 1, maximum: limits.stateSnapshotsPerProject }),
    dryRun: Type.Optional(Type.Boolean()),
  },
  closed,
);

export function addStateSnapshotRoutes(app: ApiServer, context: ApiContext): void {
  addReading(app, context);
  addMaking(app, context);
  addRemoving(app, context);
}

const snapshotsOf = ({ orchestrator }: ApiContext, { params, principal }: FastifyRequest): StateSnapshots =>
  orchestrator.stateSnapshots.of(principal, (params as { project: string }).project);
const idOf = ({ params }: FastifyRequest): string => (params as { id: string }).id;

function addReading(app: ApiServer, context: ApiContext): void {
  const shared = { tag, access } as const;
  app.get(
    "/v1/state-snapshots/:project",
    context.operation({
      ...shared,
      id: "listStateSnapshots",
      summary: "Snapshots of a project, newest first.",
      params: Project,
      querystring: PageQuery,
      answer: { status: 200, schema: pageOf(StateSnapshot) },
    }),
    (request) => snapshotsOf(context, request).list(request.query as Static<typeof PageQuery>),
  );
  app.get(
    "/v1/state-snapshots/:project/:id",
    context.operation({
      ...shared,
      id: "getStateSnapshot",
      summary: "What a snapshot is of.",
      params: Named,
      answer: { status: 200, schema: StateSnapshot },
    }),
    (request) => snapshotsOf(context, request).get(idOf(request)),
  );
  app.get(
    "/v1/state-snapshots/:project/:id/content",
    context.operation({
      ...shared,
      id: "getStateSnapshotContent",
      summary: "The documents of a snapshot, one JSON object per line.",
      params: Named,
      answer: { status: 200, schema: "One line per document: path, version, writtenAt, writtenBy, content." },
    }),
    async (request, reply) => {
      const id = idOf(request);
      const { info, body } = await snapshotsOf(context, request).content(id);
      const stream = Readable.from(body, { objectMode: false });
      stream.once("close", () => void body.cancel());
      return reply
        .type("application/x-ndjson")
        .header("content-length", info.bytes)
        .header("etag", `"${info.sha256}"`)
        .header("last-modified", new Date(info.storedAt).toUTCString())
        .header("content-disposition", `attachment; filename="${id}.ndjson"`)
        .send(stream);
    },
  );
}

function addMaking(app: ApiServer, context: ApiContext): void {
  app.post(
    "/v1/state-snapshots/:project",
    context.operation({
      id: "createStateSnapshot",
      tag,
      access,
      summary: "Keep the documents of a project as they are at this moment.",
      params: Project,
      body: StateSnapshotRequest,
      answer: { status: 201, schema: StateSnapshot },
    }),
    async (request, reply) => {
      const snapshot = await snapshotsOf(context, request).create(request.body as StateSnapshotRequest);
      return reply.code(201).send(snapshot);
    },
  );
  app.post(
    "/v1/state-snapshots/:project/:id/restore",
    context.operation({
      id: "restoreStateSnapshot",
      tag,
      access,
      summary: "Write the documents of a snapshot as new versions; what was changed since is never lost.",
      params: Named,
      body: StateRestoreRequest,
      answer: { status: 200, schema: StateRestored },
    }),
    (request) => snapshotsOf(context, request).restore(idOf(request), request.body as StateRestoreRequest),
  );
}

function addRemoving(app: ApiServer, context: ApiContext): void {
  app.delete(
    "/v1/state-snapshots/:project/:id",
    context.operation({
      id: "deleteStateSnapshot",
      tag,
      access,
      summary: "Remove a snapshot.",
      params: Named,
      answer: { status: 200, schema: Type.Object({ id: StateSnapshot.properties.id }) },
    }),
    async (request) => {
      const id = idOf(request);
      await snapshotsOf(context, request).delete(id);
      return { id };
    },
  );
  app.post(
    "/v1/state-snapshots/:project/prune",
    context.operation({
      id: "pruneStateSnapshots",
      tag,
      access,
      summary: "Keep so many of the newest snapshots, and remove the others.",
      params: Project,
      body: Prune,
      answer: { status: 200, schema: PrunedSnapshots },
    }),
    (request) => snapshotsOf(context, request).prune(request.body as Static<typeof Prune>),
  );
}
