import {
  Lock,
  LockAnswer,
  LockDetail,
  LockGrant,
  LockRenewal,
  LockRequest,
  limits,
} from "@muster/sdk/protocol";
import Type from "typebox";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { longWait } from "../long-wait.ts";
import { pageOf } from "../operation.ts";

const tag = "locks";
const users = ["admin", "client"] as const;
const closed = { additionalProperties: false } as const;

const LockQuery = Type.Object(
  {
    prefix: Type.Optional(Type.String({ maxLength: limits.nameLength })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageSize })),
    after: Type.Optional(Type.String({ maxLength: limits.nameLength })),
  },
  closed,
);
const LockParams = Type.Object({ name: LockRequest.properties.name }, closed);
const LockRelease = Type.Object(
  { name: LockRenewal.properties.name, token: LockRenewal.properties.token },
  { $id: "LockRelease", ...closed },
);
const Released = Type.Object({
  released: Type.Boolean({ description: "False: it was not held, or not any more." }),
});

export function addLockRoutes(app: ApiServer, context: ApiContext): void {
  addTaking(app, context);
  addLooking(app, context);
}

function addTaking(app: ApiServer, { orchestrator, operation, closing }: ApiContext): void {
  const { locks } = orchestrator;
  app.post(
    "/v1/locks/acquire",
    operation({
      id: "acquireLock",
      tag,
      access: users,
      summary: "Take a lock, or stand in line for it. Repeated with the same token it keeps its place.",
      body: LockRequest,
      answer: { status: 200, schema: LockAnswer },
    }),
    ({ body, principal }, reply) =>
      longWait(
        reply,
        closing,
        (signal) => locks.of(principal).acquire(body, signal),
        async () => ({ grant: null, position: null }),
      ),
  );
  app.post(
    "/v1/locks/renew",
    operation({
      id: "renewLock",
      tag,
      access: users,
      summary: "Hold a lock for longer. One that is lost stays lost: 409 `lock_lost`.",
      body: LockRenewal,
      answer: { status: 200, schema: LockGrant },
    }),
    ({ body, principal }) => locks.of(principal).renew(body),
  );
  app.post(
    "/v1/locks/release",
    operation({
      id: "releaseLock",
      tag,
      access: users,
      summary: "Let go of a lock, or of the place in line.",
      body: LockRelease,
      answer: { status: 200, schema: Released },
    }),
    ({ body, principal }) => locks.of(principal).release(body),
  );
}

function addLooking(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { locks } = orchestrator;
  app.get(
    "/v1/locks",
    operation({
      id: "listLocks",
      tag,
      access: users,
      summary: "Locks that are held or waited for, in the order of names. `next` goes into `after`.",
      querystring: LockQuery,
      answer: { status: 200, schema: pageOf(Lock) },
    }),
    ({ query, principal }) => locks.list(query, principal),
  );
  app.get(
    "/v1/locks/:name",
    operation({
      id: "getLock",
      tag,
      access: users,
      summary: "One lock, with those who wait for it.",
      params: LockParams,
      answer: { status: 200, schema: LockDetail },
    }),
    ({ params, principal }) => locks.get(params.name, principal),
  );
  app.delete(
    "/v1/locks/:name",
    operation({
      id: "forceReleaseLock",
      tag,
      access: ["admin"],
      summary: "Take a lock from whoever holds it; the next in line gets it, under a greater fence.",
      params: LockParams,
      answer: { status: 200, schema: Released },
    }),
    ({ params, principal }) => locks.forceRelease(params.name, principal),
  );
}
