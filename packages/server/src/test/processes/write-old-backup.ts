// Writes a backup of a small store as an older version had it: `tsx --conditions=@muster/source write-old-backup.ts
// FOLDER MIGRATIONS`. What is in test/fixtures/old-backup was made by it, and stays as it is.
import { createFilesystemBlobs } from "../../adapters/blob-store/filesystem/create-filesystem-blobs.ts";
import { createPgliteDatabase } from "../../adapters/database/pglite/create-pglite-database.ts";
import { loadMigrations } from "../../migrations/load-migrations.ts";
import { migrate } from "../../migrations/migrate.ts";
import { backUp } from "../back-up.ts";

const [folder = "", count = "8"] = process.argv.slice(2);
const task = `insert into task (id, tenant, capability, route, status, priority, join_policy, max_attempts, attempts_granted,
    retry_delay_ms, retry_factor, retry_max_ms, retry_jitter, timeout_ms, created_at, attempt, input, output, ended_at,
    lease_token, lease_until, agent_id, agent_name, started_at, ready_at) values`;
const shared = "3, 'all', 4, 4, 1000, 2, 60000, 1, 600000, 1700000000000";

const database = await createPgliteDatabase({ dataDir: null, thread: "main" });
await migrate(database, (await loadMigrations()).slice(0, Number(count)));
await database.execute(`
  insert into tenant (id) values ('acme');
  ${task}
    ('0190163d-8694-739b-aea5-966c26f8ad01', 'acme', 'count', 'count||', 'ready', ${shared}, 0, '{"n": 1}', null, null,
      null, null, null, null, null, 1700000000000),
    ('0190163d-8694-739b-aea5-966c26f8ad02', 'acme', 'count', 'count||', 'in_progress', ${shared}, 1, '{"n": 2}', null, null,
      '0190163d-8694-739b-aea5-966c26f8ad09', 1700000010000, 'worker-1', 'worker', 1700000001000, 1700000000000),
    ('0190163d-8694-739b-aea5-966c26f8ad03', 'acme', 'count', 'count||', 'completed', ${shared}, 1, '{"n": 3}', '{"ö": "☃"}',
      1700000005000, null, null, 'worker-1', 'worker', 1700000001000, 1700000000000);
  insert into event (at, type, task_id, tenant, data) values
    (1700000005000, 'task.completed', '0190163d-8694-739b-aea5-966c26f8ad03', 'acme', '{}');
  insert into state_project (tenant, project, floor, created_at) values ('acme', 'shop', 4, 1700000000000);
  insert into state_document (tenant, project, path, version, deleted, content, bytes, written_at, written_by)
    values ('acme', 'shop', 'plan', 7, false, '{"steps": ["design"]}', 20, 1700000000000, 'ada');
  insert into schedule (id, tenant, name, cron, timezone, missed, overlap, starts, what, document, status, created_at)
    values ('0190163d-8694-739b-aea5-966c26f8ad04', 'acme', 'nightly', '30 2 * * *', 'Europe/Berlin', 'skip', 'skip', 'task',
      'count', '{"task": {"capability": "count"}}', 'paused', 1700000000000)`);
const blobs = await createFilesystemBlobs({ folder, log: { info() {}, warn() {} } });
process.stdout.write(`${await backUp(database, blobs)}\n`);
await blobs.close();
await database.close();
