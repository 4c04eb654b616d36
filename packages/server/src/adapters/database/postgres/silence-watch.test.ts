import { expect, it } from "vitest";
import { createSilenceWatch, type Idleness, lookEveryMs, type WatchedConnection } from "./silence-watch.ts";

/** A watch over a server that says what it is told to, on a clock of its own. */
function watched(patienceMs?: number) {
  const told: string[] = [];
  const server = { answers: true, refuses: false, idleness: new Map<number, string>() as Idleness };
  let now = 0;
  let waitingSince: number | undefined;
  const watch = createSilenceWatch({
    patienceMs,
    probe(backends) {
      told.push(`asks of ${backends.join(" ")}`.trim());
      return {
        get state() {
          return server.refuses ? "refused" : server.answers ? "answered" : "asked";
        },
        get done() {
          return server.refuses || server.answers;
        },
        get idleness() {
          return server.answers ? server.idleness : undefined;
        },
        end: () => {},
      };
    },
    onSilent: () => told.push(`silent at ${now}`),
    onForgotten: () => told.push(`forgotten at ${now}`),
    onBack: () => told.push(`back at ${now}`),
  });
  const connection = (backend?: number) => {
    const made = {
      bytesRead: 0,
      isWaiting: true,
      backend,
      ended: false as boolean,
      giveUp() {
        made.ended = true;
      },
    } satisfies WatchedConnection & { ended: boolean };
    watch.take(made, now);
    return made;
  };
  return {
    told,
    server,
    watch,
    connection,
    waitsSince: (since: number | undefined) => {
      waitingSince = since;
    },
    /** Looks as often as it is to be done, and lets something happen before each look. */
    pass(ms: number, before: () => void = () => {}) {
      for (const until = now + ms; now < until; ) {
        now += lookEveryMs;
        before();
        watch.look(now, waitingSince);
      }
    },
    standStill(ms: number) {
      now += ms;
      watch.look(now, waitingSince);
    },
  };
}

it("a server that answers neither a statement nor when it is asked is silent, until it answers", () => {
  const { told, server, connection, pass, watch } = watched();
  connection(7);
  server.answers = false;
  pass(1_250);
  expect(told).toEqual([]);
  pass(2_000);
  expect(told).toEqual(["asks of 7"]);
  pass(250);
  expect(told).toEqual(["asks of 7", "silent at 3500"]);
  expect(watch.silent).toBe(true);
  pass(5_000);
  expect(watch.silent).toBe(true);
  server.answers = true;
  pass(2_500);
  expect(watch.silent).toBe(false);
  expect(told.at(-1)).toMatch(/^back at /);
});

it("who waits for a connection makes it ask, too", () => {
  const { told, server, waitsSince, pass } = watched();
  server.answers = false;
  waitsSince(0);
  pass(3_500);
  expect(told).toEqual(["asks of", "silent at 3500"]);
});

it("nobody is asked while nobody waits", () => {
  const { told, server, connection, pass } = watched();
  Object.assign(connection(1), { isWaiting: false });
  server.answers = false;
  pass(60_000);
  expect(told).toEqual([]);
});

it("an answer to anybody says that the line is well", () => {
  const { watch, server, connection, pass } = watched();
  connection();
  const busy = connection();
  server.answers = false;
  pass(60_000, () => {
    busy.bytesRead += 1;
  });
  watch.giveBack(busy, 60_000);
  expect(watch.silent).toBe(false);
});

it("a statement that the server works on may take its time, and is asked about ever more seldom", () => {
  const { told, server, connection, pass } = watched();
  const long = connection(7);
  server.idleness = new Map([[7, ""]]);
  pass(600_000);
  expect(long.ended).toBe(false);
  expect(told.length).toBeGreaterThan(10);
  expect(told.length).toBeLessThan(70);
  expect(new Set(told)).toEqual(new Set(["asks of 7"]));
});

it("a connection whose process waits for us while we wait for it is given up, and no other", () => {
  const { told, server, connection, pass } = watched();
  const [forgotten, gone, working, behindPooler] = [
    connection(1),
    connection(2),
    connection(3),
    connection(),
  ];
  server.idleness = new Map([
    [1, "idle 12:00"],
    [3, ""],
  ]);
  pass(3_500);
  expect([forgotten, gone, working, behindPooler].map(({ ended }) => ended)).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(told.filter((each) => each.startsWith("forgotten"))).toHaveLength(1);
});

it("a process that was idle and then works was only quicker than its answer", () => {
  const { server, connection, pass } = watched();
  const quick = connection(1);
  let asked = 0;
  server.idleness = { get: () => `idle ${asked++}` } as unknown as Idleness;
  pass(30_000);
  expect(asked).toBeGreaterThan(3);
  expect(quick.ended).toBe(false);
});

it("time in which this process stood still is no silence of the server", () => {
  const { told, server, connection, pass, standStill, watch } = watched();
  const one = connection(7);
  server.answers = false;
  standStill(0);
  standStill(60_000);
  expect(told).toEqual([]);
  pass(1_500);
  standStill(60_000);
  pass(1_750);
  expect(told).toEqual(["asks of 7"]);
  one.bytesRead += 1;
  pass(1_000);
  expect(watch.silent).toBe(false);
});

it("where there is no server the calls are told, and then look for one by themselves", () => {
  const { told, server, connection, pass } = watched();
  connection(7);
  Object.assign(server, { answers: false, refuses: true });
  pass(2_500);
  expect(told).toEqual(["asks of 7", "silent at 1750", "asks of", "back at 2250"]);
});

it("work that may wait is given as much patience as it was said", () => {
  const { told, server, connection, pass } = watched(60_000);
  connection(7);
  server.answers = false;
  pass(61_250);
  expect(told).toEqual(["asks of 7"]);
  pass(250);
  expect(told.at(-1)).toBe("silent at 61500");
});
