import { Backup, BackupJob, BackupListing, BackupRequest, limits, PrunedBackups } from "@muster/sdk/protocol";
import Type from "typebox";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { longWait } from "../long-wait.ts";

const tag = "backups";
const access = ["admin"] as const;

const Id = Type.Object(
  { id: Type.String({ minLength: 1, maxLength: limits.nameLength }) },
  { additionalProperties: false },
);

const Wait = Type.Object(
  {
    waitMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: limits.longPollMs,
        description: "Answers once the job is over, or after about this long.",
      }),
    ),
  },
  { additionalProperties: false },
);

const Prune = Type.Object(
  {
    dryRun: Type.Optional(Type.Boolean({ description: "Says what would be removed, and removes nothing." })),
  },
  { additionalProperties: false },
);

export function addBackupRoutes(app: ApiServer, context: ApiContext): void {
  const { orchestrator, operation } = context;
  const { backups } = orchestrator;
  app.post(
    "/v1/backups",
    operation({
      id: "createBackup",
      tag,
      access,
      summary: "Begin to write a backup of everything, while work goes on.",
      body: BackupRequest,
      answer: { status: 202, schema: BackupJob },
    }),
    async ({ body, principal }, reply) => reply.code(202).send(await backups.create(body, principal)),
  );
  app.get(
    "/v1/backups",
    operation({
      id: "listBackups",
      tag,
      access,
      summary: "All backups, what is under way, and when the next one is due.",
      answer: { status: 200, schema: BackupListing },
    }),
    ({ principal }) => backups.list(principal),
  );
  app.get(
    "/v1/backups/:id",
    operation({
      id: "getBackup",
      tag,
      access,
      summary: "What one backup holds.",
      params: Id,
      answer: { status: 200, schema: Backup },
    }),
    ({ params, principal }) => backups.get(params.id, principal),
  );
  addWork(app, context);
}

/** What takes its time. */
function addWork(app: ApiServer, { orchestrator, operation, closing }: ApiContext): void {
  const { backups } = orchestrator;
  app.post(
    "/v1/backups/:id/verify",
    operation({
      id: "verifyBackup",
      tag,
      access,
      summary: "Begin to restore a backup for a trial, into a database that is dropped again.",
      params: Id,
      answer: { status: 202, schema: BackupJob },
    }),
    async ({ params, principal }, reply) => reply.code(202).send(await backups.verify(params.id, principal)),
  );
  app.post(
    "/v1/backups/prune",
    operation({
      id: "pruneBackups",
      tag,
      access,
      summary: "Remove the backups that the retention does not keep.",
      body: Prune,
      answer: { status: 200, schema: PrunedBackups },
    }),
    ({ body, principal }) => backups.prune(body, principal),
  );
  app.get(
    "/v1/backup-jobs/:id",
    operation({
      id: "getBackupJob",
      tag,
      access,
      summary: "How far the writing or verifying of a backup is.",
      params: Id,
      querystring: Wait,
      answer: { status: 200, schema: BackupJob },
    }),
    ({ params, query, principal }, reply) =>
      longWait(
        reply,
        closing,
        () => backups.job(params.id, query.waitMs ?? 0, principal),
        () => backups.job(params.id, 0, principal),
      ),
  );
}
