import Type, { type Static } from "typebox";

const Time = Type.String({ format: "date-time" });

/** A snapshot of everything that matters, kept among the files. */
export const Backup = Type.Object(
  {
    id: Type.String(),
    at: Type.String({ format: "date-time", description: "The moment that it shows." }),
    program: Type.String({ description: "The version of Muster that wrote it." }),
    migrations: Type.Integer({ description: "How many migrations its tables had seen." }),
    encrypted: Type.Boolean(),
    bytes: Type.Integer({ description: "As it is stored." }),
    rows: Type.Integer(),
    tables: Type.Array(Type.Object({ name: Type.String(), rows: Type.Integer(), checksum: Type.String() })),
    artifacts: Type.Object({
      included: Type.Boolean({ description: "False: it has their names, and not their contents." }),
      count: Type.Integer(),
      bytes: Type.Integer(),
    }),
    verifiedAt: Type.Union([Time, Type.Null()], {
      description: "When it was last restored for a trial and found whole; null: never.",
    }),
  },
  { $id: "Backup" },
);
export type Backup = Static<typeof Backup>;

/** What is asked for with a new backup. */
export const BackupRequest = Type.Object(
  {
    encrypt: Type.Optional(
      Type.Boolean({
        description: "Left out: encrypted where the node has a key. True without one is refused.",
      }),
    ),
    withArtifacts: Type.Optional(
      Type.Boolean({ description: "Puts the contents of artifacts into it, too; false by default." }),
    ),
  },
  { $id: "BackupRequest", additionalProperties: false },
);
export type BackupRequest = Static<typeof BackupRequest>;

/** The writing or the verifying of a backup, which takes its time. */
export const BackupJob = Type.Object(
  {
    id: Type.String(),
    kind: Type.Enum(["create", "verify"]),
    status: Type.Enum(["running", "completed", "failed"]),
    backupId: Type.String(),
    scheduled: Type.Boolean({ description: "Begun by the schedule, and by nobody's request." }),
    progress: Type.String({ description: "How far it is, in a sentence." }),
    steps: Type.Array(Type.String(), { description: "What a verification did, in sentences." }),
    error: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()]),
    startedAt: Time,
    endedAt: Type.Union([Time, Type.Null()]),
  },
  { $id: "BackupJob" },
);
export type BackupJob = Static<typeof BackupJob>;

/** What there is among the backups. */
export const BackupListing = Type.Object(
  {
    items: Type.Array(Backup, { description: "Newest first." }),
    unusable: Type.Array(Type.Object({ id: Type.String(), reason: Type.String() }), {
      description: "What is there and can't be used.",
    }),
    running: Type.Union([BackupJob, Type.Null()], { description: "What is under way." }),
    nextAt: Type.Union([Time, Type.Null()], {
      description: "When the schedule makes the next; null: there is none.",
    }),
  },
  { $id: "BackupListing" },
);
export type BackupListing = Static<typeof BackupListing>;

/** What a retention removed, or would. */
export const PrunedBackups = Type.Object(
  {
    dryRun: Type.Boolean(),
    kept: Type.Array(
      Type.Object(
        { id: Type.String(), reasons: Type.Array(Type.String()) },
        { description: "Why each one stays." },
      ),
    ),
    removed: Type.Array(Type.String()),
  },
  { $id: "PrunedBackups" },
);
export type PrunedBackups = Static<typeof PrunedBackups>;
