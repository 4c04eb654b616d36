import Type, { type Static } from "typebox";
import { limits } from "./limits.ts";
import { ProjectName, StatePath, StatePrefix } from "./state.ts";

const Count = (description: string) => Type.Integer({ minimum: 0, description });

/** The documents of a project as they were at one moment, kept as an object beside the database. */
export const StateSnapshot = Type.Object(
  {
    id: Type.String({ format: "uuid" }),
    project: ProjectName,
    label: Type.Union([Type.String(), Type.Null()], { description: "What somebody called it." }),
    prefix: Type.String({ description: "Only paths that begin with it are in the snapshot." }),
    at: Type.String({ format: "date-time", description: "The moment that it shows." }),
    by: Type.String({ description: "The name of the key that asked for it." }),
    documents: Count("How many there are in it."),
    newestVersion: Count("The highest version of a document in it; 0 where it has none."),
    bytes: Count("Of its content."),
    sha256: Type.String({ pattern: "^[0-9a-f]{64}$", description: "Of its content." }),
  },
  { $id: "StateSnapshot" },
);
export type StateSnapshot = Static<typeof StateSnapshot>;

/** The request that takes one. */
export const StateSnapshotRequest = Type.Object(
  {
    label: Type.Optional(Type.String({ minLength: 1, maxLength: limits.nameLength })),
    prefix: StatePrefix,
    keep: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: limits.stateSnapshotsPerProject,
        description: "Once it is taken, so many of the newest are kept and the others removed.",
      }),
    ),
  },
  { $id: "StateSnapshotRequest", additionalProperties: false },
);
export type StateSnapshotRequest = Static<typeof StateSnapshotRequest>;

/** One line of a snapshot's content: a document as it was. */
export const StateSnapshotLine = Type.Object(
  {
    path: StatePath,
    version: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    writtenAt: Type.String(),
    writtenBy: Type.String(),
    content: Type.Unknown(),
  },
  { $id: "StateSnapshotLine" },
);
export type StateSnapshotLine = Static<typeof StateSnapshotLine>;

/** What becomes of a document that is there and is not as it was in the snapshot. */
export const OnChanged = Type.Enum(["refuse", "keep", "replace"], { $id: "OnChanged" });
export type OnChanged = Static<typeof OnChanged>;

/** The request that restores one. */
export const StateRestoreRequest = Type.Object(
  {
    onChanged: Type.Optional(OnChanged),
    deleteOthers: Type.Optional(
      Type.Boolean({ description: "Deletes documents that were not there; kept by default." }),
    ),
    into: Type.Optional(ProjectName),
    prefix: StatePrefix,
    dryRun: Type.Optional(Type.Boolean({ description: "Tells what would be done, and does nothing." })),
  },
  { $id: "StateRestoreRequest", additionalProperties: false },
);
export type StateRestoreRequest = Static<typeof StateRestoreRequest>;

/** What a restore did with one document. `outrun`: somebody wrote it meanwhile, and it was left as they wrote it. */
export const StateRestoredDocument = Type.Object(
  {
    path: StatePath,
    outcome: Type.Enum(["created", "replaced", "kept", "deleted", "outrun"]),
    snapshotVersion: Type.Union([Type.Integer(), Type.Null()], {
      description: "Null where the snapshot has no such document.",
    }),
    replacedVersion: Type.Union([Type.Integer(), Type.Null()], {
      description: "What was the newest version when it was looked at; it stays in the history.",
    }),
  },
  { $id: "StateRestoredDocument" },
);
export type StateRestoredDocument = Static<typeof StateRestoredDocument>;

/** What a restore did, or would do. */
export const StateRestored = Type.Object(
  {
    snapshot: Type.String({ format: "uuid" }),
    project: ProjectName,
    dryRun: Type.Boolean(),
    before: Type.Union([Type.String({ format: "uuid" }), Type.Null()], {
      description: "The snapshot of what was there, taken before anything was replaced or deleted.",
    }),
    created: Count("Documents that were not there."),
    replaced: Count("Documents that got the snapshot's content as a new version."),
    kept: Count("Documents that differ from the snapshot and were left."),
    deleted: Count("Documents that the snapshot does not have."),
    outrun: Count("Documents that somebody wrote meanwhile, and that were left as they wrote them."),
    unchanged: Count("Documents that were as they are in the snapshot."),
    documents: Type.Array(StateRestoredDocument, {
      description: `The first ${limits.pageSize} of those that were not unchanged.`,
    }),
  },
  { $id: "StateRestored" },
);
export type StateRestored = Static<typeof StateRestored>;

/** Which snapshots go, or went. */
export const PrunedSnapshots = Type.Object(
  {
    dryRun: Type.Boolean(),
    kept: Type.Array(Type.String({ format: "uuid" })),
    removed: Type.Array(Type.String({ format: "uuid" })),
  },
  { $id: "PrunedSnapshots" },
);
export type PrunedSnapshots = Static<typeof PrunedSnapshots>;
