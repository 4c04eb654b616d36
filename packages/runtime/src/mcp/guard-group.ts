import { spawn } from "node:child_process";

/**
 * Ends a process group when this process is gone, however it went: a shell reads from a pipe that nobody else holds, and
 * the kernel closes it. The returned function lets the shell go; to be called once the group has ended. A process that
 * leaves its group on purpose is not found.
 */
export function guardGroup(groupId: number): () => void {
  const script = 'read -r _ || { kill -s TERM -- "-$0"; sleep 2; kill -s KILL -- "-$0"; } >/dev/null 2>&1';
  const guard = spawn("/bin/sh", ["-c", script, String(groupId)], {
    stdio: ["pipe", "ignore", "ignore"],
    env: { PATH: "/usr/bin:/bin" },
    cwd: "/",
    // A signal to our own group, such as Ctrl-C, is not for it.
    detached: true,
  });
  // Without a guard the group is still ended by whoever stops in an orderly way.
  guard.on("error", () => undefined);
  guard.stdin.on("error", () => undefined);
  guard.unref();
  return () => void guard.stdin.end("\n");
}
