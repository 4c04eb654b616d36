import { MusterError } from "@muster/sdk/protocol";
import type { BackupWork } from "../../ports/backups.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Log } from "../../ports/log.ts";
import {
  type BackupJobRow,
  endJob,
  endSilentJobs,
  forgetJobs,
  holdJob,
  readRunningJob,
  startJob,
} from "../queue/statements/backups.ts";

/** A node that does not say for this long that it is at work is taken for gone. */
const holdMs = 30_000;
const sayMs = 5_000;
/** How long ended jobs are remembered. */
const rememberMs = 30 * 24 * 3_600_000;

export interface JobDependencies {
  database: Database;
  clock: Clock;
  ids: Ids;
  log: Log;
}

/** What a job came to: what it did, in sentences. */
type Work = (work: BackupWork) => Promise<string[]>;

interface Running {
  id: string;
  controller: AbortController;
  done: Promise<void>;
  progress: string;
}

/**
 * Long work on backups, one piece at a time over all nodes: a row that its node holds by saying again and again that it
 * is at work. A node that is gone is noticed by whoever wants to begin the next.
 */
export function createJobs({ database, clock, ids, log }: JobDependencies) {
  let running: Running | null = null;
  let stopped = false;
  /** A job whose row is being written. */
  let beginning: Promise<unknown> = Promise.resolve();

  function begin(kind: "create" | "verify", backup: string, scheduled: boolean, work: Work) {
    const begun = beginNow(kind, backup, scheduled, work);
    beginning = begun.catch(() => {});
    return begun;
  }

  async function beginNow(kind: "create" | "verify", backup: string, scheduled: boolean, work: Work) {
    if (stopped) throw new MusterError("unavailable", "This node is about to stop.");
    const now = clock.now();
    const id = ids.next();
    const row = await database.transaction(async (tx) => {
      await tx.query(endSilentJobs, [now]);
      await tx.query(forgetJobs, [now - rememberMs]);
      return (await tx.query(startJob, [id, kind, backup, scheduled, now, now + holdMs]))[0];
    });
    if (row === undefined) throw await busy(database);
    const job: Running = { id, controller: new AbortController(), done: Promise.resolve(), progress: "" };
    job.done = run(job, row, work);
    running = job;
    return row;
  }

  async function run(job: Running, row: BackupJobRow, work: Work): Promise<void> {
    const hold = keepHolding(job);
    const onProgress = (sentence: string): void => {
      job.progress = sentence;
    };
    try {
      const steps = await work({ onProgress, signal: job.controller.signal });
      await hold.end();
      const type = row.kind === "create" ? "backup.created" : "backup.verified";
      await database.query(endJob, [job.id, "completed", clock.now(), JSON.stringify(steps), null, type]);
    } catch (error) {
      await hold.end();
      const { code, message } = describe(error);
      log.error({ error, backup: row.backup, kind: row.kind }, "Work on a backup failed.");
      const failure = JSON.stringify({ code, message });
      await database
        .query(endJob, [job.id, "failed", clock.now(), "[]", failure, "backup.failed"])
        .catch((lost: unknown) => log.warn({ error: lost }, "That it failed will be noticed later."));
    } finally {
      if (running === job) running = null;
    }
  }

  /** Says that this node is at work, and ends the work where another took it for gone. */
  function keepHolding(job: Running): { end(): Promise<void> } {
    let timer: Timer | undefined;
    let saying = Promise.resolve();
    let over = false;
    const say = async (): Promise<void> => {
      try {
        const held = await database.query(holdJob, [job.id, clock.now() + holdMs, job.progress]);
        if (held.length === 0)
          job.controller.abort(new MusterError("conflict", "Another node took this over."));
      } catch (error) {
        log.debug({ error }, "A node could not say that it works on a backup; it will try again.");
      }
      if (!over) again();
    };
    const again = (): void => {
      timer = clock.setTimer(sayMs, () => {
        saying = say();
      });
    };
    again();
    return {
      async end() {
        over = true;
        timer?.cancel();
        await saying;
      },
    };
  }

  return {
    begin,
    /** Resolves when a job of this node is over or `waitMs` have passed; says nothing of jobs of other nodes. */
    async settled(id: string, waitMs: number): Promise<string | null> {
      const job = running;
      if (job === null || job.id !== id) return null;
      let timer: Timer | undefined;
      const pause = new Promise<void>((resolve) => {
        timer = clock.setTimer(waitMs, resolve);
      });
      await Promise.race([job.done, pause]);
      timer?.cancel();
      return job.progress;
    },
    /** Resolves when what this node works on, if anything, is over. */
    idle: async (): Promise<void> => running?.done,
    async stop(): Promise<void> {
      stopped = true;
      await beginning;
      running?.controller.abort(new MusterError("unavailable", "The node that worked on it was stopped."));
      await running?.done;
    },
  };
}

async function busy(database: Database): Promise<MusterError> {
  const [job] = await database.query(readRunningJob);
  const what =
    job === undefined ? "Another one" : `${job.kind === "create" ? "Writing" : "Verifying"} ${job.backup}`;
  return new MusterError("conflict", `${what} is under way; there is one at a time.`, {
    hint: "Wait until it is over: `muster backup list` shows it.",
  });
}

function describe(error: unknown): { code: string; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  return { code: error instanceof MusterError ? error.code : "internal", message };
}
