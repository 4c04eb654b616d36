import type { ShellLimits } from "./shell.ts";

/**
 * What a shell runs before the command: it sets limits that the kernel keeps, and, unless they are to stay apart, puts both
 * streams into one, so that what was written is in order. A limit that can't be set is lower already. `$1` is the command, `$0` the shell.
 *
 * Memory is what a process may write to (`-d`): engines that reserve far more than they use, as that of JavaScript, could
 * not run under a limit on addresses. Processes are counted for the whole user, so the limit is above what runs already;
 * the exact count is kept by the warden.
 */
export function limitScript(limits: ShellLimits, runningThreads: number, streamsApart = false): string {
  const blocks = Math.ceil(limits.fileBytes / 1024);
  const kibibytes = Math.ceil(limits.memoryBytes / 1024);
  const set = (letter: string, value: number): string => `ulimit -${letter} ${value} 2>/dev/null`;
  return [
    set("c", 0),
    set("t", limits.cpuSeconds),
    set("d", kibibytes),
    set("f", blocks),
    set("n", 4_096),
    set("u", runningThreads + limits.processes),
    `exec "$0" -c "$1"${streamsApart ? "" : " 2>&1"}`,
  ].join("; ");
}
