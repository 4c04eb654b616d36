import { expect, it } from "vitest";
import { createSystemClock } from "../../adapters/clock/system-clock.ts";
import type { Database } from "../../ports/database.ts";
import type { EventEdge } from "../queue/statements/events.ts";
import { createHorizon } from "./horizon.ts";

/** A database that answers with these edges, one after the other, the last one for ever. */
function edges(...given: [newest: number, ...open: string[]][]) {
  let asked = 0;
  const query = async () => {
    const [newest, ...open] = given[Math.min(asked++, given.length - 1)] as (typeof given)[0];
    return [{ newest, open } satisfies EventEdge];
  };
  return { database: { query } as unknown as Database, asked: () => asked };
}

/** A clock that stands where it is put. */
function standingClock() {
  const clock = { ...createSystemClock(), now: () => 0 };
  const moveTo = (at: number) => {
    clock.now = () => at;
  };
  return { clock, moveTo };
}

it("is the newest event while nobody writes", async () => {
  const { database } = edges([7]);
  expect(await createHorizon(database, createSystemClock()).look()).toEqual({ upTo: 7, newest: 7 });
});

it("waits for every transaction that was under way when an event was seen, and for no later one", async () => {
  const { database } = edges([7, "a", "b"], [8, "b", "c"], [9, "c", "d"], [12, "e"]);
  const horizon = createHorizon(database, createSystemClock());
  const seen = [];
  for (let n = 0; n < 4; n++) seen.push((await horizon.look()).upTo);
  // 7 is safe when a and b have ended; 9 was the end then, and is safe when c and d have.
  expect(seen).toEqual([0, 0, 7, 9]);
});

it("is not misled by a look that was overtaken", async () => {
  const answers: ((edge: EventEdge) => void)[] = [];
  const query = () => new Promise((resolve) => answers.push((edge) => resolve([edge])));
  const horizon = createHorizon({ query } as unknown as Database, createSystemClock());
  const [early, late] = [horizon.look(), horizon.look()];
  answers[1]!({ newest: 9, open: ["b"] });
  await late;
  answers[0]!({ newest: 7, open: ["a"] });
  expect((await early).upTo).toBe(0);
  const next = horizon.look();
  answers[2]!({ newest: 9, open: ["b"] });
  expect((await next).upTo).toBe(0);
});

it("never goes back", async () => {
  const { database } = edges([7], [3]);
  const horizon = createHorizon(database, createSystemClock());
  await horizon.look();
  expect((await horizon.look()).upTo).toBe(7);
});

it("gives a reader what was visible when it asked, as soon as that is safe", async () => {
  const { database, asked } = edges([7, "a"], [9, "a", "b"], [12, "b", "c"]);
  expect(await createHorizon(database, createSystemClock()).settled()).toBe(7);
  expect(asked()).toBe(3);
});

it("stops waiting after two seconds, with what is safe", async () => {
  const { database } = edges([7], [9, "a"]);
  const { clock, moveTo } = standingClock();
  const horizon = createHorizon(database, clock);
  await horizon.look();
  const settled = horizon.settled();
  moveTo(2_000);
  expect(await settled).toBe(7);
});
