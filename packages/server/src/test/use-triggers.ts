import { type EventType, MusterError, type TriggerRequest } from "@muster/sdk/protocol";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { createSystemClock } from "../adapters/clock/system-clock.ts";
import { createSystemIds } from "../adapters/ids/system-ids.ts";
import { createEventFeed } from "../core/events/event-feed.ts";
import { createSubmit } from "../core/intake/submit-tasks.ts";
import { createFireTriggers } from "../core/triggers/fire-triggers.ts";
import { createTriggerService } from "../core/triggers/trigger-service.ts";
import type { Database, Statement } from "../ports/database.ts";
import { emptyDatabase, freshDatabase, silentLog } from "./orchestrate.ts";

export const onWritten: TriggerRequest = {
  name: "publish",
  on: { types: ["state.written"] },
  task: { capability: "publish" },
};

interface TaskRow {
  id: string;
  tenant: string;
  capability: string;
  input: Record<string, unknown>;
}

/** Gives each test of a file an empty database, a clock that stands still, and nodes that have triggers and nothing else. */
export function useTriggers() {
  const at = { now: 0 } as { database: Database; now: number };
  beforeAll(async () => {
    at.database = await freshDatabase();
  });
  afterAll(() => at.database.close());
  beforeEach(async () => {
    await emptyDatabase(at.database);
    at.now = Date.parse("2030-01-01T00:00:00Z");
  });

  const rows = async <T = { n: number }>(text: string): Promise<T[]> =>
    at.database.query({ name: `test_${text.length}_${text.slice(-20)}`, text } as unknown as Statement<
      T & object
    >) as Promise<T[]>;

  return {
    at,
    rows,
    /** What one node has of triggers. */
    node(on: Database = at.database) {
      const clock = createSystemClock();
      const base = {
        database: on,
        clock: { ...clock, now: () => at.now },
        ids: createSystemIds(),
        log: silentLog,
        announce: () => {},
      };
      const submit = createSubmit({ ...base, seat: () => {} });
      const events = createEventFeed(on, clock, silentLog).service;
      return {
        submit: submit.submit,
        triggers: createTriggerService({ ...base, events }),
        ...createFireTriggers({ ...base, submit, latest: events.latest }),
      };
    },
    tasks: () => rows<TaskRow>("select id, tenant, capability, input from task order by id"),
    /** Events of triggers: their types and reasons. */
    async told(like = "trigger.%") {
      const text = `select type, data from event where type like '${like}' order by seq`;
      const events = await rows<{ type: string; data: Record<string, unknown> }>(text);
      return events.map(({ type, data }) => [type, data.reason ?? null]);
    },
    /** Writes an event as statements of core do. */
    async happen(
      type: EventType,
      data: object = {},
      { taskId = null, tenant = "default" }: { taskId?: string | null; tenant?: string } = {},
    ): Promise<number> {
      const statement: Statement<{ seq: number }> = {
        name: "test_happen",
        text: "insert into event (at, type, task_id, tenant, data) values ($1, $2, $3::uuid, $4, $5::json) returning seq",
      };
      const values = [at.now, type, taskId, tenant, JSON.stringify(data)];
      return (await at.database.query(statement, values))[0]?.seq as number;
    },
  };
}

/** A database whose connection is lost at a statement, so that its transaction is undone. */
export function dyingAt(inner: Database, name: string): Database {
  const lost = new MusterError("unavailable", "the connection was lost");
  return {
    ...inner,
    transaction: (work) =>
      inner.transaction((tx) =>
        work({
          query: (statement, parameters) =>
            statement.name === name ? Promise.reject(lost) : tx.query(statement, parameters),
        }),
      ),
  };
}
