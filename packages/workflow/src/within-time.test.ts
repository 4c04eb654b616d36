import { afterEach, describe, expect, it, vi } from "vitest";
import { withinTime } from "./within-time.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const wait = new Int32Array(new SharedArrayBuffer(4));
/** Never ends by itself, and uses no processor time: as on a machine that is busy with other things. */
const stand = () => {
  for (;;) Atomics.wait(wait, 0, 0, 5);
};

describe("work that is bounded in time", () => {
  it("comes to its end, and what it throws is thrown", () => {
    const work = vi.fn();
    expect(withinTime(1_000, work)).toBe(true);
    expect(work).toHaveBeenCalledOnce();
    expect(() =>
      withinTime(1_000, () => {
        throw new Error("mine");
      }),
    ).toThrow("mine");
  });

  it("is ended where it only computes", () => {
    // All of the time in which it ran was its own.
    vi.spyOn(process, "cpuUsage").mockReturnValue({ user: 20_000, system: 0 });
    let begun = 0;
    const never = () => {
      begun += 1;
      stand();
    };
    expect(withinTime(20, never)).toBe(false);
    expect(begun).toBe(1);
  });

  it("is begun anew where the process had no time to run, and not for ever", () => {
    vi.spyOn(process, "cpuUsage").mockReturnValue({ user: 100, system: 100 });
    let begun = 0;
    const late = () => {
      begun += 1;
      if (begun < 3) stand();
    };
    expect(withinTime(20, late)).toBe(true);
    expect(begun).toBe(3);
    expect(withinTime(20, stand)).toBe(false);
  });
});
