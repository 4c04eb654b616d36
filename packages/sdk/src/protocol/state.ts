import Type, { type Static } from "typebox";
import { limits } from "./limits.ts";

const segment = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,119}";

/** A namespace of state documents within a tenant. It is there as soon as something is written to it. */
export const ProjectName = Type.String({
  minLength: 1,
  maxLength: 120,
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]*$",
  description: "Letters, digits, dots, hyphens and underscores; the first is a letter or digit.",
});

/** What a state document is called within its project. */
export const StatePath = Type.String({
  minLength: 1,
  maxLength: limits.statePathLength,
  pattern: `^${segment}(?:/${segment})*$`,
  description:
    "Letters, digits, dots, hyphens and underscores, in segments of up to 120 between slashes; none begins with a dot.",
});

const Version = Type.Integer({
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
  description: "Grows with every write of the document and is never given twice; also its ETag.",
});
const Bytes = Type.Integer({ minimum: 0, description: "Of its JSON text." });
const Content = Type.Unknown({ description: "Any JSON value but null." });
const Written = {
  writtenAt: Type.String({ format: "date-time" }),
  writtenBy: Type.String({ description: "The name of the key, or the id of the agent." }),
};

export const StateDocument = Type.Object(
  {
    project: ProjectName,
    path: StatePath,
    version: Version,
    bytes: Bytes,
    ...Written,
    content: Content,
  },
  { $id: "StateDocument" },
);
export type StateDocument = Static<typeof StateDocument>;

/** A document in a listing. */
export const StateEntry = Type.Object(
  { path: StatePath, version: Version, bytes: Bytes, ...Written },
  { $id: "StateEntry" },
);
export type StateEntry = Static<typeof StateEntry>;

/** One version in the history of a document; that it was deleted is a version too. */
export const StateVersion = Type.Object(
  { version: Version, deleted: Type.Boolean(), bytes: Bytes, ...Written },
  { $id: "StateVersion" },
);
export type StateVersion = Static<typeof StateVersion>;

export const StateProject = Type.Object(
  {
    project: ProjectName,
    documents: Type.Integer({ minimum: 0 }),
    createdAt: Type.String({ format: "date-time" }),
  },
  { $id: "StateProject" },
);
export type StateProject = Static<typeof StateProject>;

/** What a write did. */
export const StateWritten = Type.Object(
  {
    project: ProjectName,
    path: StatePath,
    version: Version,
    deleted: Type.Boolean(),
    bytes: Bytes,
    ...Written,
    merged: Type.Boolean({ description: "What others wrote meanwhile was merged in." }),
    content: Type.Optional(
      Type.Unknown({ description: "What the document is now, where that is not simply what was sent." }),
    ),
  },
  { $id: "StateWritten" },
);
export type StateWritten = Static<typeof StateWritten>;

/** One change of a document in the order in which changes happened. */
export const StateChange = Type.Object(
  {
    position: Type.Integer({ description: "The number of its event; go on behind it with `after`." }),
    path: StatePath,
    version: Version,
    deleted: Type.Boolean(),
    ...Written,
  },
  { $id: "StateChange" },
);
export type StateChange = Static<typeof StateChange>;

/** One operation of a JSON Patch (RFC 6902). */
export const PatchOperation = Type.Object(
  {
    op: Type.Enum(["add", "remove", "replace", "move", "copy", "test"]),
    path: Type.String({ description: "JSON Pointer (RFC 6901)." }),
    from: Type.Optional(Type.String({ description: "JSON Pointer; of move and copy." })),
    value: Type.Optional(Type.Unknown({ description: "Of add, replace and test." })),
  },
  { $id: "PatchOperation" },
);
export type PatchOperation = Static<typeof PatchOperation>;

/** What has changed between two versions. */
export const StateDiff = Type.Object(
  {
    path: StatePath,
    from: Type.Integer({ minimum: 0, description: "0: before there was anything." }),
    to: Version,
    patch: Type.Array(PatchOperation, { description: "JSON Patch that makes `to` of `from`." }),
  },
  { $id: "StateDiff" },
);
export type StateDiff = Static<typeof StateDiff>;

/** A lock that the writer holds, proved by the token of its grant. */
export const StateLock = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: limits.keyLength }),
    token: Type.String({ format: "uuid" }),
  },
  { $id: "StateLock", additionalProperties: false },
);
export type StateLock = Static<typeof StateLock>;

/** Under which conditions a write happens. */
export const StateCondition = {
  ifVersion: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: "Only if this is the newest version; 0: only if there is no such document.",
    }),
  ),
  merge: Type.Optional(
    Type.Enum(["three-way"], {
      description:
        "Where `ifVersion` is not the newest version any more: merges with what was written since.",
    }),
  ),
  lock: Type.Optional(StateLock),
};

/** A write of a document: a new content, a change of it, or its end. */
export const StateWrite = Type.Object(
  {
    kind: Type.Enum(["put", "merge-patch", "json-patch", "delete"]),
    body: Type.Optional(
      Type.Unknown({
        description: "The content, the JSON Merge Patch (RFC 7396) or the JSON Patch (RFC 6902).",
      }),
    ),
    ...StateCondition,
  },
  { $id: "StateWrite", additionalProperties: false },
);
export type StateWrite = Static<typeof StateWrite>;

const OptionalPrefix = (description: string) =>
  Type.Optional(
    Type.String({ maxLength: limits.statePathLength, pattern: "^[A-Za-z0-9._/-]*$", description }),
  );

/** Which documents to list. */
export const StateFilter = Type.Object(
  {
    prefix: OptionalPrefix("Only paths that begin with it."),
    after: OptionalPrefix("Only paths behind it: `next` of the page before this one."),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageSize, default: 100 })),
  },
  { additionalProperties: false },
);
export type StateFilter = Static<typeof StateFilter>;
export const StatePrefix = OptionalPrefix("Only paths that begin with it.");

/** The sides of a conflict, as the `details` of its error. */
export interface StateConflict {
  path: string;
  /** The newest version; null where there is none. */
  version: number | null;
  /** What the write would have made of the base. */
  yours?: unknown;
  /** The content of the newest version. */
  theirs?: unknown;
  /** What the write was made for; null where that version is not kept. */
  base: { version: number; content?: unknown } | null;
  /** Where both sides changed the same. */
  conflicts: { path: string; base?: unknown; yours?: unknown; theirs?: unknown }[];
}
