import { Readable } from "node:stream";
import {
  Artifact,
  ArtifactEntry,
  ArtifactFilter,
  ArtifactKey,
  limits,
  MusterError,
} from "@muster/sdk/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import Type, { type Static } from "typebox";
import type { Artifacts } from "../../core/orchestrator.ts";
import { acceptFiles, fileOf } from "../accept-files.ts";
import type { ApiContext, ApiServer } from "../api-context.ts";
import type { Access } from "../authenticate.ts";
import { byteRangeOf } from "../byte-range.ts";
import { pageOf } from "../operation.ts";

/*
 * Artifacts have two doors: `/v1/artifacts` for those with a key, and one below the agent and its task for those who
 * work on it. Behind both are the same five routes. Whatever a file claims to be, a browser is told to save it: it
 * is answered as unknown bytes, and what it was called stands in a header of ours.
 */
const tag = "artifacts";

/** Where a door is, who may use it, and whose artifacts are behind it. */
interface Door {
  path: string;
  name: string;
  access: Access;
  params: Record<string, ReturnType<typeof Type.String>>;
  open(request: FastifyRequest): Artifacts;
}

export async function addArtifactRoutes(app: ApiServer, context: ApiContext): Promise<void> {
  const { artifacts } = context.orchestrator;
  const doors: Door[] = [
    {
      path: "/v1/artifacts",
      name: "Artifact",
      access: ["admin", "client"],
      params: {},
      open: ({ principal }) => artifacts.of(principal),
    },
    {
      path: "/v1/agents/:id/tasks/:taskId/artifacts",
      name: "TaskArtifact",
      access: "session",
      params: {
        id: Type.String({ minLength: 1, maxLength: limits.nameLength }),
        taskId: Type.String({ format: "uuid" }),
      },
      open: (request) => artifacts.under(leaseOf(request)),
    },
  ];
  await app.register(async (scope) => {
    acceptFiles(scope);
    for (const door of doors) {
      addPut(scope as ApiServer, context, door);
      addGet(scope as ApiServer, context, door);
      addOthers(scope as ApiServer, context, door);
    }
  });
}

const keyOf = (request: FastifyRequest): string => (request.params as { "*": string })["*"];
const objectWith = (params: Door["params"]) => Type.Object(params, { additionalProperties: false });
const withKey = (params: Door["params"]) =>
  Type.Object({ ...params, "*": ArtifactKey }, { additionalProperties: false });

function leaseOf(request: FastifyRequest) {
  const { id, taskId } = request.params as { id: string; taskId: string };
  const leaseToken = request.headers["muster-lease"];
  if (typeof leaseToken === "string") return { agentId: id, taskId, leaseToken };
  throw new MusterError("invalid_request", "The request does not prove the lease on the task.", {
    hint: "Send the leaseToken of the assignment in one header: muster-lease.",
  });
}

function addPut(app: ApiServer, { operation, readingLimit, orchestrator }: ApiContext, door: Door): void {
  const { config, schema } = operation({
    id: `put${door.name}`,
    tag,
    access: door.access,
    summary: "Store a file under a key, or replace the one that is there, once all of it has arrived.",
    params: withKey(door.params),
    answer: { status: 200, schema: Artifact },
  });
  const { mostBytes } = orchestrator.artifacts;
  app.put(`${door.path}/*`, { schema, config: { ...config, takesFile: true } }, async (request, reply) => {
    const gone = new AbortController();
    reply.raw.once("close", () => gone.abort(new MusterError("unavailable", "The client went away.")));
    if (Number(request.headers["content-length"] ?? 0) > mostBytes) throw tooLarge(mostBytes);
    readingLimit.lift(request);
    return door.open(request).put(keyOf(request), fileOf(request), {
      ...describedBy(request),
      signal: gone.signal,
    });
  });
}

/** The content type, and the sum where the client announces it (RFC 9530). */
function describedBy({ headers }: FastifyRequest): { contentType?: string; sha256?: string } {
  const { "content-type": contentType, "content-digest": digest } = headers;
  const type = contentType === undefined ? {} : { contentType };
  if (digest === undefined) return type;
  const base64 = /^sha-256=:([A-Za-z0-9+/]{43}=):$/.exec(String(digest))?.[1];
  if (base64 === undefined) {
    throw new MusterError("invalid_request", "The header content-digest is not understood.", {
      hint: "Write it as sha-256=:<base64>:, or leave it out.",
    });
  }
  return { ...type, sha256: Buffer.from(base64, "base64").toString("hex") };
}

const tooLarge = (mostBytes: number): MusterError =>
  new MusterError(
    "payload_too_large",
    `The artifact has more than the ${mostBytes} bytes that are allowed.`,
    {
      hint: "Split it, or let an operator raise MUSTER_ARTIFACT_BYTES.",
    },
  );

function addGet(app: ApiServer, { operation }: ApiContext, door: Door): void {
  const shared = { tag, access: door.access, params: withKey(door.params) } as const;
  const head = operation({
    ...shared,
    id: `head${door.name}`,
    summary: "What is known of a file, in the headers that it would be answered with.",
    answer: { status: 200, schema: "No content." },
  });
  app.head(
    `${door.path}/*`,
    { ...head, config: { ...head.config, swagger: { exposeHeadRoute: true } } },
    async (request, reply) => {
      const artifact = await door.open(request).head(keyOf(request));
      describe(reply, artifact).header("content-length", artifact.bytes);
      return reply.send();
    },
  );
  app.get(
    `${door.path}/*`,
    {
      ...operation({
        ...shared,
        id: `get${door.name}`,
        summary:
          "The content of a file, or a part of it (`range`), unless the client has it (`if-none-match`).",
        answer: { status: 200, schema: "The content." },
      }),
      exposeHeadRoute: false,
    },
    async (request, reply) => sendContent(door.open(request), request, reply),
  );
}

async function sendContent(artifacts: Artifacts, request: FastifyRequest, reply: FastifyReply) {
  const key = keyOf(request);
  const { range: wanted, "if-none-match": known } = request.headers;
  // Only who wants a part or may have it already needs to know its size and sum beforehand.
  const before = wanted === undefined && known === undefined ? undefined : await artifacts.head(key);
  if (before !== undefined && known === etagOf(before)) return describe(reply, before).code(304).send();
  const range = before === undefined ? undefined : byteRangeOf(wanted, before.bytes);
  if (range === null) {
    describe(reply, before as Artifact);
    reply.header("content-range", `bytes */${(before as Artifact).bytes}`);
    throw new MusterError(
      "range_not_satisfiable",
      `The artifact has ${before?.bytes} bytes, and no such part.`,
    );
  }
  const { artifact, body } = await artifacts.get(key, range === undefined ? {} : { range });
  describe(reply, artifact);
  if (range === undefined) reply.header("content-length", artifact.bytes);
  else {
    const end = Math.min(range.end, artifact.bytes - 1);
    reply.code(206).header("content-range", `bytes ${range.start}-${end}/${artifact.bytes}`);
    reply.header("content-length", Math.max(0, end - range.start + 1));
  }
  const stream = Readable.from(body, { objectMode: false });
  stream.once("close", () => void body.cancel());
  return reply.send(stream);
}

const etagOf = ({ sha256 }: Artifact): string => `"${sha256}"`;

function describe(reply: FastifyReply, artifact: Artifact): FastifyReply {
  const fileName = artifact.key.slice(artifact.key.lastIndexOf("/") + 1);
  return reply
    .type("application/octet-stream")
    .header("etag", etagOf(artifact))
    .header("last-modified", new Date(artifact.storedAt).toUTCString())
    .header("accept-ranges", "bytes")
    .header("content-disposition", `attachment; filename="${fileName}"`)
    .header("muster-content-type", artifact.contentType);
}

function addOthers(app: ApiServer, { operation }: ApiContext, door: Door): void {
  app.delete(
    `${door.path}/*`,
    operation({
      id: `delete${door.name}`,
      tag,
      access: door.access,
      summary: "Delete a file. Where there is none, nothing happens.",
      params: withKey(door.params),
      answer: { status: 204, schema: "Done." },
    }),
    async (request, reply) => {
      await door.open(request).delete(keyOf(request));
      return reply.code(204).send();
    },
  );
  app.get(
    door.path,
    operation({
      id: `list${door.name}s`,
      tag,
      access: door.access,
      summary: "Files in the order of their keys.",
      ...(Object.keys(door.params).length === 0 ? {} : { params: objectWith(door.params) }),
      querystring: ArtifactFilter,
      answer: { status: 200, schema: pageOf(ArtifactEntry) },
    }),
    (request) => door.open(request).list(request.query as Static<typeof ArtifactFilter>),
  );
}
