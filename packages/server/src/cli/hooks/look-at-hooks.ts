import { resolve } from "node:path";
import type { CliContext } from "../cli-context.ts";

type Door = Awaited<ReturnType<CliContext["claudeAgents"]>>;
export type SeenHook = Awaited<ReturnType<Door["lookAtHook"]>>;

export interface SeenHooks {
  hooks: readonly SeenHook[];
  /** What could not be read, with the file that says it. */
  problems: readonly { file: string; problem: string }[];
  /** Hooks that Claude Code runs and Muster does not have. */
  unsupported: readonly { file: string; problem: string }[];
  /** The file that turns all hooks off; null: none does. */
  offIn: string | null;
}

/** Looks at the hooks of a folder and those above it; runs none. */
export async function lookAtHooks(context: CliContext, { dir = "." }: { dir?: string }): Promise<SeenHooks> {
  const door = await context.claudeAgents();
  const folder = resolve(context.cwd, dir);
  const found = await door.loadClaudeFolder({ folder, above: true });
  const { judge, why } = openSafely(door, context, folder);
  const hooks: SeenHook[] = [];
  // Those that are turned off can be looked at all the same.
  for (const source of door.findHooks({ ...found, hooks: { ...found.hooks, offIn: null } }))
    for (const hook of source.hooks) {
      const seen = await judge({ hook, source });
      // Of two that are the same in one file one says it all.
      if (!hooks.some((one) => one.key === seen.key && one.source.file === source.file)) hooks.push(seen);
    }
  const of = (list: (report: (typeof found.reports)[number]) => readonly string[]) =>
    found.reports.flatMap((report) =>
      report.kind === "settings" || report.kind === "agent"
        ? list(report).map((problem) => ({ file: report.path, problem }))
        : [],
    );
  const problems = of((report) => [
    ...(report.kind === "settings" ? report.repairs : report.repairs.filter((one) => /hook/i.test(one))),
    ...(report.kind === "settings" && report.refusal !== null ? [report.refusal.why] : []),
  ]);
  if (why !== undefined) problems.push({ file: folder, problem: why });
  return { hooks, problems, unsupported: of((report) => report.unsupported), offIn: found.hooks.offIn };
}

/** Where no approvals can be kept, the hooks can still be looked at. */
function openSafely(door: Door, { env }: CliContext, folder: string) {
  try {
    return { judge: door.openHookApprovals(env, folder).judge };
  } catch (error) {
    return { judge: door.lookAtHook, why: (error as Error).message };
  }
}

/** For programs. */
export const shownHook = ({ hook, source, key, digest, consent, files, obstacle }: SeenHook) => ({
  id: key,
  event: hook.event,
  matcher: hook.matcher,
  command: hook.command,
  timeoutMs: hook.timeoutMs,
  blocksOnFailure: hook.blocksOnFailure,
  file: source.file,
  line: hook.line,
  agent: source.agent,
  digest,
  consent,
  isApproved: consent === "approved",
  covers: files.map(({ path, sha256 }) => ({ path, sha256 })),
  obstacle,
});
