import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { sweepRegularly } from "./sweep-regularly.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const hourMs = 3_600_000;

test("sweeps at once and every hour, says what it removed, and ends when it is called off", async () => {
  const log = { info: vi.fn(), warn: vi.fn() };
  const sweep = vi.fn(async () => 2);
  const stop = sweepRegularly(sweep, log);
  await vi.advanceTimersByTimeAsync(hourMs * 2);
  expect(sweep).toHaveBeenCalledTimes(3);
  expect(log.info.mock.calls[0]).toMatchObject([{ removed: 2 }, expect.any(String)]);
  await stop();
  await vi.advanceTimersByTimeAsync(hourMs * 2);
  expect(sweep).toHaveBeenCalledTimes(3);
});

test("a sweep that fails is logged, and the next one runs all the same", async () => {
  const log = { info: vi.fn(), warn: vi.fn() };
  const error = new Error("The disk is away.");
  const sweep = vi.fn(() => Promise.reject(error));
  const stop = sweepRegularly(sweep, log);
  await vi.advanceTimersByTimeAsync(hourMs);
  await stop();
  expect(log.warn.mock.calls).toMatchObject([
    [{ error }, expect.any(String)],
    [{ error }, expect.any(String)],
  ]);
  expect(log.info).not.toHaveBeenCalled();
});

test("a sweep that takes longer than an hour is not run twice at once", async () => {
  const sweep = vi.fn(() => new Promise<number>(() => {}));
  sweepRegularly(sweep, { info() {}, warn() {} });
  await vi.advanceTimersByTimeAsync(hourMs * 3);
  expect(sweep).toHaveBeenCalledTimes(1);
});
