import type { Timer } from "../../ports/clock.ts";

/** The longest delay that Node's timers can take; beyond it they fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** Runs `work` once when `now` has reached `dueAt`. Does not keep the process alive. */
export function startTimer(now: () => number, dueAt: number, work: () => void): Timer {
  let handle: NodeJS.Timeout;
  const arm = () => {
    handle = setTimeout(fire, Math.min(dueAt - now(), longestTimerMs));
    handle.unref();
  };
  // Node's timers can fire a moment early, and a long delay takes several of them.
  const fire = () => (now() < dueAt ? arm() : work());
  arm();
  return { cancel: () => clearTimeout(handle) };
}
