import { spawn } from "node:child_process";

/**
 * Kills process groups when this process ends, however it ends: servers that tests start are in groups of their own,
 * and nobody else would end them where the runner itself is killed. The function it returns calls the guard off.
 */
export function guardGroups(leaders: readonly number[]): () => void {
  // Its input ends with us.
  const guard = spawn(
    "sh",
    ["-c", `cat >/dev/null; kill -9 -- ${leaders.map((leader) => -leader).join(" ")}`],
    {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    },
  );
  guard.unref();
  return () => {
    guard.kill("SIGKILL");
  };
}
