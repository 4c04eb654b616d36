import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { isFinal, TaskStatus } from "@muster/sdk/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { claim } from "../core/queue/statements/claim.ts";
import { complete, completeOne } from "../core/queue/statements/complete.ts";
import { endTasks } from "../core/queue/statements/end-tasks.ts";
import { enqueue } from "../core/queue/statements/enqueue.ts";
import { lockLive } from "../core/queue/statements/lock-live.ts";
import { releaseDependents } from "../core/queue/statements/release-dependents.ts";
import { retryByHand } from "../core/queue/statements/retry-by-hand.ts";
import { retryTasks } from "../core/queue/statements/retry-tasks.ts";
import { linkTasks } from "../core/queue/statements/submission.ts";
import { park } from "../core/queue/statements/waiting.ts";
import { transitions } from "../core/queue/transitions.ts";
import type { Database, Statement } from "../ports/database.ts";
import { emptyDatabase, freshDatabase } from "./orchestrate.ts";

/**
 * docs/task-states.md, the table of transitions and the statements say the same. The statements have the last
 * word: each is tried on a task in every status, and what it does is compared with the table.
 */
const statuses: readonly TaskStatus[] = TaskStatus.enum;
const now = 1_000_000;
const ends = statuses.filter(isFinal);
const lines = (list: readonly { from: string | null; to: string; statement: string }[]) =>
  list.map(({ from, to, statement }) => `${from ?? "(new)"} → ${to} by ${statement}`).sort();

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(() => emptyDatabase(database));

const sql = (text: string): Statement<Record<string, unknown>> => ({ name: `test_${randomUUID()}`, text });

interface Placed {
  id: string;
  token: string;
}

/** Puts a task into a status, as the statements would have left it there. */
async function place(status: TaskStatus, joinPolicy = "all"): Promise<Placed> {
  const id = randomUUID();
  const token = randomUUID();
  // A ready task has a lease when it waited and may go on; a blocked one never had any.
  const leased = status === "in_progress" || status === "waiting" || status === "ready";
  const row = {
    ord: 0,
    id,
    tenant: "default",
    capability: "work",
    route: "work",
    status: "ready",
    priority: 5,
    delayed: false,
    ready_at: now,
    depth: 0,
    join_policy: joinPolicy,
    pending: status === "blocked" || status === "waiting" ? 1 : 0,
    max_attempts: 3,
    timeout_ms: 1_000,
    input: {},
  };
  await database.query(enqueue, [JSON.stringify([row]), "[]", now]);
  await database.query(
    sql(`update task set status = $2, lease_token = $3, lease_until = $4::bigint, agent_id = 'a', agent_name = 'a',
      attempt = 1, started_at = $5::bigint, ended_at = $6::bigint where id = $1`),
    [id, status, leased ? token : null, leased ? now + 1_000 : null, now, isFinal(status) ? now : null],
  );
  return { id, token };
}

async function statusOf(id: string): Promise<string> {
  const [row] = await database.query(sql("select status from task where id = $1"), [id]);
  return row?.status as string;
}

const link = (task: string, dependsOn: string, kind: "need" | "wait") =>
  database.query(linkTasks, [JSON.stringify([{ task_id: task, depends_on: dependsOn }]), kind]);

/** Settling looks the lease up first, and leaves alone who has none. */
async function underLease({ id, token }: Placed, act: () => Promise<unknown>): Promise<void> {
  if ((await database.query(lockLive, [[id], [token]])).length > 0) await act();
}

const end = ({ id }: Placed, status: TaskStatus) =>
  database.query(endTasks, [JSON.stringify([{ id, status, error: { code: "x", message: "x" } }]), now]);

/** What either statement that completes may be asked to do to a task: to complete it, and what it needs. */
const completionsBy = (statement: typeof complete) => [
  ({ id, token }: Placed): Promise<unknown> =>
    database.query(statement, [JSON.stringify([{ id, token, output: {} }]), now, 1_000]),
  ...[undefined, randomUUID()].map((next) => async ({ id }: Placed) => {
    // On a route of its own, so that nothing that is ready stands in the way of a hand-off.
    await database.query(sql("update task set route = id::text where id = $1"), [id]);
    const other = await place("in_progress");
    await database.query(sql("update task set route = $2 where id = $1"), [other.id, id]);
    await link(id, other.id, "need");
    await database.query(statement, [JSON.stringify([{ ...other, next, output: {} }]), now, 1_000]);
  }),
];

/** Everything that each statement may be asked to do to a task. */
const attempts: Record<string, ((task: Placed) => Promise<unknown>)[]> = {
  claim: [
    ({ id }) =>
      database.query(claim, [
        JSON.stringify([{ id, token: randomUUID(), agent_id: "a", agent_name: "a" }]),
        now,
        1_000,
      ]),
  ],
  complete: completionsBy(complete),
  completeOne: completionsBy(completeOne),
  releaseDependents: ends.flatMap((status) =>
    (["need", "wait"] as const).map((kind) => async ({ id }: Placed) => {
      const other = await place(status);
      await link(id, other.id, kind);
      await database.query(releaseDependents, [[other.id], now]);
    }),
  ),
  park: [({ id }) => database.query(park, [id, 1, now])],
  retryTasks: [true, false].map(
    (counted) => (task) =>
      underLease(task, () =>
        database.query(retryTasks, [
          JSON.stringify([{ id: task.id, ready_at: now, error: { code: "x", message: "x" }, counted }]),
          now,
        ]),
      ),
  ),
  endTasks: [
    (task) => underLease(task, () => end(task, "completed")),
    (task) => end(task, "failed"),
    (task) => end(task, "cancelled"),
  ],
  retryByHand: [({ id }) => database.query(retryByHand, [[id], now])],
};

describe("the statements", () => {
  it.each(Object.entries(attempts))(
    "%s moves tasks as the table says, and no other way",
    async (statement, tries) => {
      const seen = new Set<string>();
      for (const from of statuses) {
        for (const joinPolicy of ["all", "settled", "any"]) {
          for (const attempt of tries) {
            const task = await place(from, joinPolicy);
            await attempt(task);
            const to = await statusOf(task.id);
            if (to !== from) seen.add(`${from} → ${to} by ${statement}`);
          }
        }
      }
      const declared = transitions.filter((move) => move.statement === statement);
      expect([...seen].sort()).toEqual(lines(declared));
    },
  );

  it("are all tried: no other one writes a status", async () => {
    const folder = new URL("../core/queue/statements/", import.meta.url);
    const writers: string[] = [];
    for (const file of readdirSync(folder).filter((name) => !name.endsWith(".test.ts"))) {
      const exported = (await import(new URL(file, folder).href)) as Record<string, unknown>;
      for (const [name, value] of Object.entries(exported)) {
        if (isStatement(value) && writesStatus(value.text)) writers.push(name);
      }
    }
    expect(writers.sort()).toEqual(["enqueue", ...Object.keys(attempts)].sort());
    expect([...new Set(transitions.map((move) => move.statement))].sort()).toEqual(writers.sort());
  });

  it("refuse a status that the words do not have", async () => {
    const { id } = await place("ready");
    await expect(
      database.query(sql("update task set status = 'paused' where id = $1"), [id]),
    ).rejects.toThrow();
  });
});

const isStatement = (value: unknown): value is Statement =>
  typeof value === "object" && value !== null && typeof (value as Statement).text === "string";

/** Whether a statement inserts tasks or sets `status` in an update of them; what stands in brackets aside. */
function writesStatus(text: string): boolean {
  if (/insert into task\b/.test(text)) return true;
  let flat = text;
  for (let before = ""; before !== flat; ) {
    before = flat;
    flat = flat.replace(/\(([^()]*)\)/g, (_, inner: string) =>
      /\bupdate task\b/.test(inner) ? ` ${inner} ` : "",
    );
  }
  return [...flat.matchAll(/\bupdate task\b[\s\S]*?\bset\b([\s\S]*?)\b(?:from|where|returning)\b/g)].some(
    (match) => /\bstatus\s*=/.test(match[1] as string),
  );
}

describe("docs/task-states.md", () => {
  const text = readFileSync(new URL("../../../../docs/task-states.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| (`\w+`|\(new\)) +\| `(\w+)` +\|[^|]*\| \[`(\w+)`\]\(([^)]+)\) +\|/gm)];

  it("lists every transition with its statement", () => {
    const listed = rows.map(([, from, to, statement]) => ({
      from: from === "(new)" ? null : (from as string).replaceAll("`", ""),
      to: to as string,
      statement: statement as string,
    }));
    expect(lines(listed)).toEqual(lines(transitions));
  });

  it("points to the file that holds each statement", async () => {
    for (const [, , , statement, path] of rows) {
      const module = (await import(new URL(`../../../../docs/${path}`, import.meta.url).href)) as object;
      expect(Object.keys(module)).toContain(statement);
    }
  });

  it("draws the same transitions", () => {
    const drawn = [...text.matchAll(/^ +(\w+|\[\*\]) --> (\w+)\b(?! *-->)/gm)].map(
      ([, from, to]) => `${from === "[*]" ? "(new)" : from} → ${to}`,
    );
    const declared = transitions.map(({ from, to }) => `${from ?? "(new)"} → ${to}`);
    expect([...drawn].sort()).toEqual([...new Set(declared)].sort());
  });

  it("explains every status", () => {
    const meanings = text.slice(text.indexOf("## What each state"), text.indexOf("## Every transition"));
    const explained = [...meanings.matchAll(/^\| `(\w+)` +\| .+ \|$/gm)].map((match) => match[1]);
    expect(explained).toEqual(statuses);
  });
});
