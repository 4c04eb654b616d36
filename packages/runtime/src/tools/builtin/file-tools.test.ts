import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import type { ToolPolicy } from "../policy/tool-policy.ts";
import { benchOf, temporaryFolder } from "../test/bench.ts";
import { fileTools } from "./file-tools.ts";

let workspace: string;
beforeEach(() => {
  workspace = temporaryFolder();
  mkdirSync(join(workspace, "src/deep"), { recursive: true });
  writeFileSync(join(workspace, "src/a.ts"), "one\ntwo TODO\nthree\n");
  writeFileSync(join(workspace, "src/deep/b.md"), "# Title\n\ntodo later\n");
});
const bench = (policy: ToolPolicy = {}) => benchOf(fileTools, policy, { workspace });

it("reads lines with their numbers, from where and as many as asked", async () => {
  const { call } = bench();
  expect((await call("Read", { file_path: "src/a.ts" })).content).toBe(
    "     1\tone\n     2\ttwo TODO\n     3\tthree",
  );
  expect((await call("Read", { file_path: join(workspace, "src/a.ts"), offset: 2, limit: 1 })).content).toBe(
    "     2\ttwo TODO\n… 1 more lines, from offset 3.",
  );
  expect(await call("Read", { file_path: "src/a.ts", offset: 9 })).toMatchObject({ isError: true });
  expect(await call("Read", { file_path: "missing" })).toEqual({
    isError: true,
    content: "Read failed: missing does not exist.",
  });
});

it("refuses to read what is binary, a folder, or too large", async () => {
  writeFileSync(join(workspace, "binary"), Buffer.from([65, 0, 66]));
  writeFileSync(join(workspace, "large"), Buffer.alloc(9 * 1024 * 1024, 65));
  const { call } = bench();
  expect((await call("Read", { file_path: "binary" })).content).toContain("is binary");
  expect((await call("Read", { file_path: "src" })).content).toContain("not a regular file");
  expect((await call("Read", { file_path: "large" })).content).toContain("larger than 8192 KiB");
});

it("writes files with the folders that they need, and keeps the mode of those it replaces", async () => {
  const { call } = bench();
  expect((await call("Write", { file_path: "new/folder/x.sh", content: "a" })).content).toContain(
    "Made new/folder/x.sh",
  );
  chmodSync(join(workspace, "new/folder/x.sh"), 0o755);
  expect((await call("Write", { file_path: "new/folder/x.sh", content: "b" })).content).toContain("Replaced");
  expect(readFileSync(join(workspace, "new/folder/x.sh"), "utf8")).toBe("b");
  expect(statSync(join(workspace, "new/folder/x.sh")).mode & 0o777).toBe(0o755);
  expect(readdirSync(join(workspace, "new/folder"))).toEqual(["x.sh"]);
});

it("edits one place, or all when told so, and says what it did not find", async () => {
  const { call } = bench();
  const edit = (old_string: string, new_string: string, replace_all = false) =>
    call("Edit", { file_path: "src/a.ts", old_string, new_string, replace_all });
  expect(await edit("two TODO", "two $& done")).toEqual({ content: "Replaced one place in src/a.ts." });
  expect(readFileSync(join(workspace, "src/a.ts"), "utf8")).toBe("one\ntwo $& done\nthree\n");
  expect((await edit("e", "E")).content).toContain("4 places");
  expect(await edit("e", "E", true)).toEqual({ content: "Replaced 4 places in src/a.ts." });
  expect(await edit("absent", "x")).toMatchObject({
    isError: true,
    content: expect.stringContaining("not found"),
  });
  expect(await edit("", "x")).toMatchObject({ isError: true });
});

it("finds an edit done that is made again after a crash", async () => {
  const { call } = bench();
  const input = { file_path: "src/a.ts", old_string: "two TODO", new_string: "two done" };
  await call("Edit", input);
  expect(await call("Edit", input)).toEqual({
    content: "src/a.ts holds new_string already, and no old_string. Nothing was changed.",
  });
});

it("finds files, the newest first, without those of others", async () => {
  mkdirSync(join(workspace, "node_modules/x"), { recursive: true });
  writeFileSync(join(workspace, "node_modules/x/c.ts"), "");
  writeFileSync(join(workspace, "new.ts"), "");
  utimesSync(join(workspace, "src/a.ts"), 1, 1);
  const { call } = bench();
  expect((await call("Glob", { pattern: "**/*.{ts,md}" })).content.split("\n")).toHaveLength(3);
  expect((await call("Glob", { pattern: "**/*.ts" })).content).toBe("new.ts\nsrc/a.ts");
  expect((await call("Glob", { pattern: "*.md", path: "src/deep" })).content).toBe("src/deep/b.md");
  expect((await call("Glob", { pattern: "**/*.ts", path: "node_modules" })).content).toBe(
    "node_modules/x/c.ts",
  );
  expect((await call("Glob", { pattern: "*.none" })).content).toBe("No files found.");
  expect(await call("Glob", { pattern: "*", path: "missing" })).toMatchObject({ isError: true });
});

it("searches by pattern, glob and type, with lines around", async () => {
  const { call } = bench();
  const grep = async (input: Record<string, unknown>) => (await call("Grep", input)).content;
  expect(await grep({ pattern: "todo", "-i": true })).toBe("src/a.ts\nsrc/deep/b.md");
  expect(await grep({ pattern: "(?i)TO.O", glob: "*.md", output_mode: "content" })).toBe(
    "src/deep/b.md:3:todo later",
  );
  expect(await grep({ pattern: "TODO", output_mode: "content", "-C": 1, type: "ts" })).toBe(
    "src/a.ts-1-one\nsrc/a.ts:2:two TODO\nsrc/a.ts-3-three",
  );
  expect(await grep({ pattern: "t[wh]", path: "src/a.ts", output_mode: "count" })).toBe("src/a.ts:2");
  expect(await grep({ pattern: "one.*three", multiline: true, output_mode: "content", "-n": false })).toBe(
    "src/a.ts:one\nsrc/a.ts:two TODO\nsrc/a.ts:three",
  );
  expect(await grep({ pattern: "o", output_mode: "content", head_limit: 1 })).toBe(
    "src/a.ts:1:one\n… there are more than these 1.",
  );
  expect(await grep({ pattern: "absent" })).toBe("No matches found.");
  expect(await call("Grep", { pattern: "(" })).toMatchObject({
    isError: true,
    content: expect.stringContaining("regular expression"),
  });
  expect(await call("Grep", { pattern: "x", type: "none" })).toMatchObject({ isError: true });
});

it("stops a search whose pattern thinks for ever, and the process goes on meanwhile", async () => {
  writeFileSync(join(workspace, "trap.txt"), `${"a".repeat(60)}!`);
  const { call } = bench();
  const stop = new AbortController();
  const search = call("Grep", { pattern: "^(a+)+$" }, stop.signal);
  await new Promise((resolve) => setTimeout(resolve, 50));
  stop.abort(new Error("cancelled"));
  await expect(search).rejects.toThrow("cancelled");
  expect((await call("Grep", { pattern: "tod[o]" })).content).toBe("src/deep/b.md");
});

it("does not show what a rule hides, by whatever name", async () => {
  writeFileSync(join(workspace, ".env"), "KEY=hidden");
  symlinkSync(".env", join(workspace, "harmless"));
  const { call } = bench({ deny: ["Read(.env)"] });
  for (const file_path of [".env", "./src/../.env", "harmless", join(workspace, ".env")]) {
    expect(await call("Read", { file_path })).toMatchObject({
      isError: true,
      content: expect.stringContaining("denied"),
    });
  }
  expect((await call("Grep", { pattern: "hidden" })).content).toBe("No matches found.");
  expect((await call("Glob", { pattern: "**/*env*" })).content).toBe("No files found.");
});
