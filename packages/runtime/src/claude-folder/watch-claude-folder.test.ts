import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { loadClaudeFolder } from "./load-claude-folder.ts";
import { type ClaudeChange, type ClaudeWatch, watchClaudeFolder } from "./watch-claude-folder.ts";

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const agent = (name: string, prompt = "You mend."): string =>
  `---\nname: ${name}\ndescription: Mends bicycles.\n---\n${prompt}\n`;

/** A folder that is followed, and what was told of it. */
async function follow(files: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), "muster-watch-"));
  undo.push(() => rmSync(folder, { recursive: true }));
  const place = (name: string): string => join(folder, ".claude/agents", name);
  mkdirSync(place(""), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(place(name), text);
  const told: string[] = [];
  const errors: unknown[] = [];
  const names = (list: ClaudeChange["added"]) => list.map(({ definition }) => definition.name).join(" ");
  const watch: ClaudeWatch = await watchClaudeFolder({ folder }, await loadClaudeFolder({ folder }), {
    quietMs: 20,
    onChange({ added, changed, removed, kept }) {
      for (const [what, list] of Object.entries({ added, changed, removed })) {
        if (list.length > 0) told.push(`${what} ${names(list)}`);
      }
      for (const one of kept) told.push(`kept ${one.agent.definition.name}: ${one.why}`);
    },
    onError: (error) => errors.push(error),
  });
  undo.push(() => watch.close());
  const prompts = () =>
    Object.fromEntries(watch.agents.map(({ definition }) => [definition.name, definition.prompt]));
  return { place, told, prompts, errors };
}

test("agents come, change and go with their files", async () => {
  const { place, told, prompts, errors } = await follow({ "a.md": agent("chain") });
  writeFileSync(place("b.md"), agent("wheel"));
  await expect.poll(() => told).toEqual(["added wheel"]);
  writeFileSync(place("a.md"), agent("chain", "You oil."));
  await expect.poll(() => told).toEqual(["added wheel", "changed chain"]);
  rmSync(place("b.md"));
  await expect.poll(() => told.at(-1)).toBe("removed wheel");
  expect([prompts(), errors]).toEqual([{ chain: "You oil." }, []]);
});

test("a file that breaks keeps its agent until it loads again or goes away", async () => {
  const { place, told, prompts } = await follow({ "a.md": agent("chain"), "b.md": agent("wheel") });
  writeFileSync(place("a.md"), "---\ndescription: The name is");
  await expect.poll(() => told.at(-1)).toMatch(/^kept chain: it says no name/);
  expect(prompts()).toEqual({ chain: "You mend.", wheel: "You mend." });
  writeFileSync(place("a.md"), agent("chain", "You oil."));
  await expect.poll(() => told.at(-1)).toBe("changed chain");
  writeFileSync(place("a.md"), "");
  await expect.poll(() => told.at(-1)).toMatch(/^kept chain: it has no front matter/);
  rmSync(place("a.md"));
  await expect.poll(() => told.at(-1)).toBe("removed chain");
  expect(prompts()).toEqual({ wheel: "You mend." });
});

test("a file that is moved keeps its agent, and one that is renamed inside is another", async () => {
  const { place, told, prompts } = await follow({ "a.md": agent("chain") });
  mkdirSync(place("deep"));
  renameSync(place("a.md"), place("deep/b.md"));
  writeFileSync(place("c.md"), agent("wheel"));
  await expect.poll(() => told).toEqual(["added wheel"]);
  writeFileSync(place("deep/b.md"), agent("brake"));
  await expect.poll(() => told.slice(1)).toEqual(["added brake", "removed chain"]);
  expect(Object.keys(prompts()).sort()).toEqual(["brake", "wheel"]);
});

test("what an agent works by changes it, too: its skills, and what settings forbid", async () => {
  const { place, told } = await follow({
    "a.md": agent("chain").replace("---\nYou", "skills: [oil]\n---\nYou"),
    "b.md": agent("wheel"),
  });
  mkdirSync(place("../skills/oil"), { recursive: true });
  writeFileSync(place("../skills/oil/SKILL.md"), "A drop.");
  await expect.poll(() => told).toEqual(["changed chain"]);
  writeFileSync(place("../settings.json"), '{"permissions": {"deny": ["Bash"]}}');
  await expect.poll(() => told.slice(1)).toEqual(["changed chain wheel"]);
});
