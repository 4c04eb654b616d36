import Type from "typebox";
import { leaseProof as Lease } from "./lease.ts";
import { limits } from "./limits.ts";
import {
  ProjectName,
  StateChange,
  StateCondition,
  StateDocument,
  StateEntry,
  StateFilter,
  StatePath,
  StatePrefix,
  StateVersion,
  StateWrite,
  StateWritten,
} from "./state.ts";

const closed = { additionalProperties: false } as const;

/** What an agent can do with state while it works on a task: part of its operations. */
export const stateOperations = {
  readState: {
    request: Type.Object(
      {
        ...Lease,
        project: ProjectName,
        path: StatePath,
        version: Type.Optional(StateDocument.properties.version),
      },
      closed,
    ),
    response: StateDocument,
  },
  writeState: {
    request: Type.Object(
      {
        ...Lease,
        project: ProjectName,
        path: StatePath,
        kind: StateWrite.properties.kind,
        body: StateWrite.properties.body,
        ...StateCondition,
      },
      closed,
    ),
    response: StateWritten,
  },
  listState: {
    request: Type.Object({ ...Lease, project: ProjectName, ...StateFilter.properties }, closed),
    response: Type.Object({
      items: Type.Array(StateEntry),
      next: Type.Union([Type.String(), Type.Null()]),
    }),
  },
  watchState: {
    request: Type.Object(
      {
        ...Lease,
        project: ProjectName,
        after: Type.Optional(
          Type.Integer({
            minimum: 0,
            maximum: Number.MAX_SAFE_INTEGER,
            description: "Changes behind this position; without it nothing but the position of now.",
          }),
        ),
        prefix: StatePrefix,
        waitMs: Type.Optional(
          Type.Integer({
            minimum: 0,
            maximum: limits.longPollMs,
            description: "Where there are none, wait this long for one.",
          }),
        ),
      },
      closed,
    ),
    response: Type.Object({
      items: Type.Array(StateChange),
      position: Type.Integer({ description: "Pass it as `after` to go on." }),
    }),
  },
  listStateVersions: {
    request: Type.Object(
      {
        ...Lease,
        project: ProjectName,
        path: StatePath,
        before: Type.Optional(StateDocument.properties.version),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageSize })),
      },
      closed,
    ),
    response: Type.Object({
      items: Type.Array(StateVersion),
      next: Type.Union([Type.String(), Type.Null()]),
    }),
  },
} as const;
