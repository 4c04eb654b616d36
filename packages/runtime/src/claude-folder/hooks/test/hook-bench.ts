import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createScrubber } from "../../../tools/create-scrubber.ts";
import type { Shell } from "../../../tools/shell/shell.ts";
import { temporaryFolder } from "../../../tools/test/bench.ts";
import type { ClaudeHook, HookSource } from "../claude-hook.ts";
import { createClaudeHooks } from "../create-claude-hooks.ts";
import { createHookApprovals, type FoundHook } from "../hook-approvals.ts";

/** A project with scripts, hooks of its settings, and a person who approves them. */
export function hookBench(shell: Shell | string, { values = [] as string[] } = {}) {
  const folder = temporaryFolder();
  const root = join(folder, "shop");
  const approvals = createHookApprovals(join(folder, "home/approvals.json"), root);
  const logs: string[] = [];
  let found: FoundHook[] = [];
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write("README.md", "The shop.\n");
  const bench = {
    root,
    logs,
    approvals,
    write,
    /** Names hooks; nobody approved them. */
    name(hooks: readonly (Partial<ClaudeHook> & { command: string })[], at: Partial<HookSource> = {}): void {
      const named = hooks.map(
        (one): ClaudeHook => ({
          event: "PreToolUse",
          matcher: null,
          timeoutMs: 20_000,
          blocksOnFailure: false,
          line: null,
          ...one,
        }),
      );
      const path = ".claude/settings.json";
      const source = { file: join(root, path), path, root, agent: null, hooks: named, ...at };
      found = [...found, ...named.map((hook) => ({ hook, source }))];
    },
    async approve(): Promise<void> {
      for (const one of found) await approvals.approve(await approvals.judge(one));
    },
    forget(): void {
      found = [];
    },
    /** The hooks of one attempt. */
    open: (workspace = root, agentRoot = root) =>
      createClaudeHooks({
        find: () => found,
        approvals,
        shell: () => shell,
        agent: { id: "claude-clerk", name: "clerk", permissionMode: null },
        root: agentRoot,
        workspace,
        context: { taskId: "task-1", log: (_level, message) => void logs.push(message) },
        scrub: createScrubber({ values }),
      }),
  };
  return bench;
}
