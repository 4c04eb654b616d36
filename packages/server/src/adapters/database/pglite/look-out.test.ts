import { expect, it } from "vitest";
import { briskRequests, createLookOut, lookOutMs } from "./look-out.js";

/** A thread whose clock moves by a tenth of the longest look-out with every reading. */
function thread(processors = 2) {
  let time = 0;
  let looks = 0;
  const waiting: string[] = [];
  const lookOut = createLookOut({
    receive: () => {
      looks += 1;
      return waiting.shift();
    },
    now: () => {
      time += lookOutMs / 10;
      return time;
    },
    processors,
  });
  const wake = (after: number) => {
    time += after;
    lookOut.woken();
    return lookOut.next();
  };
  return { lookOut, wake, waiting, looks: () => looks };
}

/** Wakes it for as many brisk requests as it takes until it looks out. */
function makeBrisk({ wake }: ReturnType<typeof thread>) {
  for (let n = 0; n < briskRequests; n++) wake(0);
}

it("looks out once requests have come one right after the other, and finds the next one", () => {
  const brisk = thread();
  makeBrisk(brisk);
  expect(brisk.looks()).toBe(0);
  brisk.waiting.push("first", "second");
  expect(brisk.wake(0)).toBe("first");
  expect(brisk.lookOut.next()).toBe("second");
});

it("sleeps when nothing comes in time, and looks out again only after as many brisk requests", () => {
  const brisk = thread();
  makeBrisk(brisk);
  expect(brisk.wake(0)).toBeUndefined();
  const looks = brisk.looks();
  expect(looks).toBeGreaterThan(0);
  expect(looks).toBeLessThan(20);
  makeBrisk(brisk);
  brisk.waiting.push("next");
  expect(brisk.looks()).toBeLessThanOrEqual(looks + 1);
  expect(brisk.wake(0)).toBe("next");
});

it("does not look out for requests that come now and then", () => {
  const slow = thread();
  for (let n = 0; n < 100; n++) expect(slow.wake(lookOutMs)).toBeUndefined();
  expect(slow.looks()).toBe(0);
});

it("does not look out on the only processor, which the other side needs", () => {
  const single = thread(1);
  single.waiting.push("next");
  makeBrisk(single);
  expect(single.wake(0)).toBeUndefined();
  expect(single.looks()).toBe(0);
});
