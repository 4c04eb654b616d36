import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startProviders } from "../../../../runtime/src/test/providers/start-providers.ts";
import { startClaudeAgents } from "../../start-claude-agents.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

/** Needs git, which a machine with Node.js alone does not have. */
const at = useOrchestrator({ leaseMs: 10_000, heartbeatMs: 2_000 });

test("an agent with isolation: worktree works in a copy of its own, on a branch that stays", async () => {
  const home = mkdtempSync(join(tmpdir(), "muster-copies-"));
  const folder = join(home, "shop");
  mkdirSync(join(folder, ".claude/agents"), { recursive: true });
  writeFileSync(
    join(folder, ".claude/agents/a.md"),
    "---\nname: painter\ndescription: Paints.\nisolation: worktree\ntools: Write\n---\nYou paint.\n",
  );
  const git = (...argv: string[]) =>
    execFileSync("git", ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@b.c", ...argv]).toString();
  git("init", "-q");
  git("add", ".");
  git("commit", "-q", "-m", "Agents");
  const providers = await startProviders({
    script: [
      {
        when: { system: "You paint." },
        turns: [
          { toolCalls: [{ name: "Write", input: { file_path: "paint.txt", content: "blue" } }] },
          { text: "Done." },
        ],
      },
    ],
  });
  const baseURL = providers.baseURL("anthropic");
  const running = await startClaudeAgents({
    folder,
    env: { PATH: process.env.PATH, HOME: home, ANTHROPIC_API_KEY: "sk-ant-a-key-of-a-test" },
    models: { providers: [{ name: "anthropic", kind: "anthropic", baseURL }] },
    start: (definition) => at.muster.agent(definition),
    putAside: async () => undefined,
    say: () => undefined,
  });
  try {
    const [task] = await at.muster.finish({ capability: "painter", input: "Go." });
    expect(task).toMatchObject({ status: "completed", output: "Done." });
    expect(existsSync(join(folder, "paint.txt"))).toBe(false);
    const copy = /^worktree (.*\.muster.*)$/m.exec(git("worktree", "list", "--porcelain"))?.[1] ?? "";
    expect(readFileSync(join(copy, "paint.txt"), "utf8")).toBe("blue");
    expect(git("branch", "--list", "muster/*")).toContain("muster/");
  } finally {
    await running?.close();
    await providers.close();
    rmSync(home, { recursive: true });
  }
});
