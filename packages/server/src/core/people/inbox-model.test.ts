import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSystemIds } from "../../adapters/ids/system-ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import { freshDatabase } from "../../test/orchestrate.ts";
import { cascade } from "../completion/cascade.ts";
import { createSubmit } from "../intake/submit-tasks.ts";
import type { Principal } from "../orchestrator.ts";
import { createInboxService } from "./inbox-service.ts";
import { createInboxUpkeep } from "./inbox-upkeep.ts";
import { createPersonService } from "./person-service.ts";

/*
 * Claims, answers, declines, delegations, cancels and times in any order: whatever is tried, an item ends once, for one
 * reason, and by somebody who might.
 */
const people = ["anna", "ben", "boss"] as const;
const act = fc.oneof(
  fc.record({
    kind: fc.constantFrom("claim", "answer", "answer", "decline", "release"),
    by: fc.constantFrom(...people, "admin"),
  }),
  fc.record({
    kind: fc.constant("delegate"),
    by: fc.constantFrom(...people),
    to: fc.constantFrom(...people),
  }),
  fc.record({ kind: fc.constant("time"), ms: fc.integer({ min: 1, max: 40_000 }) }),
  fc.record({ kind: fc.constantFrom("cancel", "look") }),
);
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never;

let database: Database;
let now = Date.parse("2026-01-05T10:00:00Z");
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

const clock: Clock = { now: () => now, setTimer: () => ({ cancel: () => {} }) };
const ids = createSystemIds();
const announce = () => {};
let plays = 0;

interface Row {
  status: string;
  output: unknown;
  code: string | null;
  answered_by: string | null;
  claimed_by: string | null;
  due_at: number | null;
  ends: number;
  answers: number;
  declined: string[];
}

async function read(id: string): Promise<Row> {
  const text = `
select t.status, t.output, t.error ->> 'code' as code, i.answered_by, i.claimed_by, i.due_at, i.declined,
  (select count(*)::int from event e where e.task_id = t.id and e.type in ('task.completed', 'task.failed', 'task.cancelled')) as ends,
  (select count(*)::int from event e where e.task_id = t.id and e.type = 'inbox.answered') as answers
from task t join inbox_item i on i.task_id = t.id where t.id = '${id}'`;
  const [row] = await database.query({ name: `test_${id}`, text }, []);
  return row as Row;
}

const isOver = (row: Row): boolean => ["completed", "failed", "cancelled"].includes(row.status);

async function play(acts: readonly Act[], hasDefault: boolean): Promise<void> {
  // A tenant of its own keeps each play apart from the others.
  const tenant = `play-${++plays}`;
  const admin: Principal = { tenant, role: "admin", name: "test" };
  const service = createPersonService({ database, clock, ids });
  for (const name of people)
    await service.put({ name, capabilities: [{ name: name === "boss" ? "lead" : "review" }] }, admin);
  const { submit } = createSubmit({ database, clock, ids, announce, seat: () => {} });
  const ask = {
    text: "Well?",
    to: { capability: "review" },
    remindMs: 20_000,
    escalateMs: 30_000,
    escalateTo: { person: "boss" },
    expireMs: 60_000,
    ...(hasDefault ? { default: "default" } : {}),
  };
  const [asked] = await submit([{ ask }], { tenant });
  const id = asked?.id as string;
  const inbox = createInboxService({ database, clock, announce });
  const settleDue = createInboxUpkeep({ database, clock, announce });
  const cancel = () =>
    database.transaction((tx) =>
      cascade(tx, [{ id, status: "cancelled", error: { code: "x", message: "x" } }], now),
    );

  const perform = async (one: Act): Promise<void> => {
    if (one.kind === "time") now += (one as { ms: number }).ms;
    if (one.kind === "cancel") await cancel();
    if (one.kind === "time" || one.kind === "look") return settleDue(now);
    const { by, to } = one as { by: string; to?: string };
    const as = by === "admin" ? {} : { as: by };
    if (one.kind === "claim") await inbox.claim(id, { ...as, claimMs: 10_000 }, admin);
    if (one.kind === "release") await inbox.release(id, as, admin);
    if (one.kind === "answer") await inbox.answer(id, { ...as, answer: `by ${by}` }, admin);
    if (one.kind === "decline") await inbox.decline(id, as, admin);
    if (one.kind === "delegate") await inbox.delegate(id, { ...as, to: { person: to as string } }, admin);
  };

  let before = await read(id);
  for (const one of acts) {
    const refusal = await perform(one).then(
      () => null,
      (error: { code?: string }) => error.code ?? String(error),
    );
    const after = await read(id);
    if (refusal !== null) {
      expect(["conflict", "forbidden"]).toContain(refusal);
      expect(after).toEqual(before);
    }
    if (isOver(before)) {
      const { due_at: _due, ...rest } = after;
      const { due_at: _before, ...was } = before;
      expect(rest).toMatchObject({ status: was.status, output: was.output, ends: 1, answers: was.answers });
      if (one.kind !== "time" && one.kind !== "look" && one.kind !== "cancel")
        expect(refusal).toBe("conflict");
    }
    if (one.kind === "answer" && refusal === null) {
      const { by } = one as { by: string };
      expect(after).toMatchObject({ status: "completed", output: `by ${by}`, answers: 1 });
      expect(before.declined).not.toContain(by);
    }
    expect(after.ends).toBe(isOver(after) ? 1 : 0);
    expect(after.answers).toBe(after.answered_by === null ? 0 : 1);
    if (after.status === "completed")
      expect(after.answered_by !== null || (hasDefault && after.output === "default")).toBe(true);
    if (after.status === "failed") expect(["declined", "expired"]).toContain(after.code);
    before = after;
  }
  // Left alone, it ends in time, and nothing is due any more.
  now += 70_000;
  await settleDue(now);
  const last = await read(id);
  expect(isOver(last)).toBe(true);
  expect(last).toMatchObject({ due_at: null, claimed_by: null, ends: 1 });
}

describe("an item of the inbox", () => {
  it("ends once and for one reason, whatever is tried in whatever order", async () => {
    await fc.assert(fc.asyncProperty(fc.array(act, { maxLength: 12 }), fc.boolean(), play), { numRuns: 40 });
  });
});
