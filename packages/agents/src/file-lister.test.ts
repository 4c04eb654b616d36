import { execFileSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createFileLister, type ListFilesOutput } from "./file-lister.ts";
import { createWorkbench } from "./test/task-context.ts";
import { removeFolders, temporaryFolder, writeFiles } from "./test/temporary-folder.ts";

afterAll(removeFolders);

const bench = createWorkbench([createFileLister()]);
const list = (input: object) => bench.run<ListFilesOutput>("list_files", input);
const paths = async (input: object) => (await list(input)).files.map(({ path }) => path);

describe("list_files", () => {
  it("lists every kind of source, sorted, with sizes and languages", async () => {
    const root = await temporaryFolder({
      "b.js": "1",
      "a.mjs": "22",
      "lib/c.cjs": "",
      "lib/d.jsx": "",
      "e.ts": "",
      "f.mts": "",
      "g.cts": "",
      "h.tsx": "",
      "i.d.ts": "",
      "README.md": "",
      "j.json": "{}",
    });
    const { files, skipped } = await list({ path: root });
    expect(files.map(({ path, language }) => `${path} ${language}`)).toEqual([
      "a.mjs javascript",
      "b.js javascript",
      "e.ts typescript",
      "f.mts typescript",
      "g.cts typescript",
      "h.tsx tsx",
      "i.d.ts typescript",
      "lib/c.cjs javascript",
      "lib/d.jsx jsx",
    ]);
    expect(files[0]?.bytes).toBe(2);
    expect(skipped).toEqual([]);
  });

  it("honours .gitignore files, inner ones before outer ones", async () => {
    const root = await temporaryFolder({
      ".gitignore": "*.gen.ts\n/private\nlogs/\n# comment\n",
      "a.ts": "",
      "a.gen.ts": "",
      "private/b.ts": "",
      "sub/private/c.ts": "",
      "sub/.gitignore": "!keep.gen.ts\n!logs/\n",
      "sub/keep.gen.ts": "",
      "sub/drop.gen.ts": "",
      "sub/logs/d.ts": "",
      "logs/e.ts": "",
    });
    expect(await paths({ path: root })).toEqual([
      "a.ts",
      "sub/keep.gen.ts",
      "sub/logs/d.ts",
      "sub/private/c.ts",
    ]);
  });

  it("leaves out dependencies, output, and minified, huge and binary files", async () => {
    const root = await temporaryFolder({
      "node_modules/x/index.js": "",
      ".git/hooks/x.js": "",
      "dist/a.js": "",
      "a.min.js": "",
      "long-lines.js": `var a=${"1+".repeat(4_000)}1`,
      "huge.js": "// x\n".repeat(110_000),
      "binary.js": Buffer.from([1, 0, 2, 0]),
      "ok.js": "",
    });
    const { files, skipped } = await list({ path: root });
    expect(files.map(({ path }) => path)).toEqual(["ok.js"]);
    expect(Object.fromEntries(skipped.map(({ path, reason }) => [path, reason]))).toEqual({
      "a.min.js": "minified or bundled",
      "binary.js": "binary, not text",
      dist: "output of a build or a tool",
      "huge.js": "larger than 512 KiB",
      "long-lines.js": "minified or bundled",
    });
  });

  it("follows no symbolic link and does not wait at a pipe", async () => {
    const outside = await temporaryFolder({ "secret.js": "", rules: "*" });
    const root = await temporaryFolder({ "a.js": "" });
    await symlink(outside, join(root, "linked.js"));
    await symlink(outside, join(root, "folder"));
    await symlink(join(outside, "secret.js"), join(root, "link.js"));
    await symlink(join(outside, "rules"), join(root, ".gitignore"));
    execFileSync("sh", ["-c", 'mkfifo "$0"', join(root, "pipe.js")]);
    const { files, skipped } = await list({ path: root });
    expect(files.map(({ path }) => path)).toEqual(["a.js"]);
    expect(skipped.map(({ path }) => path).sort()).toEqual(["link.js", "linked.js", "pipe.js"]);
  });

  it("takes include and exclude patterns in the language of .gitignore", async () => {
    const root = await temporaryFolder({ "src/a.ts": "", "src/a.test.ts": "", "docs/b.ts": "", "c.js": "" });
    expect(await paths({ path: root, include: ["src/"], exclude: ["*.test.ts"] })).toEqual(["src/a.ts"]);
    expect(await paths({ path: root, include: ["**/*.ts"], exclude: ["docs"] })).toEqual([
      "src/a.test.ts",
      "src/a.ts",
    ]);
    await expect(list({ path: root, include: ["**/a".repeat(9)] })).rejects.toMatchObject({
      code: "invalid_input",
    });
  });

  it("stops at its limits and says so", async () => {
    const root = await temporaryFolder({ "a.js": "", "b.js": "", "c/d.js": "" });
    const few = await list({ path: root, maxFiles: 2 });
    expect(few.files).toHaveLength(2);
    expect(few.skipped).toEqual([
      { path: ".", reason: "not listed to the end: the limit of 2 files was reached" },
    ]);
    const deep = "d/".repeat(40);
    await mkdir(join(root, deep), { recursive: true });
    await writeFile(join(root, deep, "deep.js"), "");
    const { skipped } = await list({ path: root });
    expect(skipped).toEqual([{ path: "d/".repeat(32).slice(0, -1), reason: "deeper than 32 folders" }]);
  });

  it("survives hostile ignore files and names", async () => {
    const stars = "**/a/".repeat(30);
    const root = await temporaryFolder({
      ".gitignore": `${stars}b\n[\n[z-a]\n\\\n${"x".repeat(600)}\n!\n/\n*.skip.js\n`,
      "-rf.js": "",
      "$(touch pwned).ts": "",
      "new\nline.js": "",
      "a.skip.js": "",
    });
    await writeFiles(join(root, "big"), { ".gitignore": "#\n".repeat(40_000), "x.js": "" });
    const { files, skipped } = await list({ path: root });
    expect(files.map(({ path }) => path)).toEqual([
      "$(touch pwned).ts",
      "-rf.js",
      "big/x.js",
      "new\nline.js",
    ]);
    expect(skipped.map(({ reason }) => reason)).toEqual([
      expect.stringContaining("not used: more than 20 wildcards"),
      expect.stringContaining("not used: longer than 512 characters"),
      "not used: larger than 64 KiB",
    ]);
  });

  it("answers an empty folder with an empty list, and a wrong path with a clear error", async () => {
    const root = await temporaryFolder({ "README.md": "" });
    expect((await list({ path: root })).files).toEqual([]);
    await expect(list({ path: join(root, "gone") })).rejects.toMatchObject({ code: "not_found" });
    await expect(list({ path: join(root, "README.md") })).rejects.toMatchObject({ code: "invalid_input" });
    await expect(list({ path: "a\0b" })).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("stops when its task is cancelled", async () => {
    const signal = AbortSignal.abort(new Error("cancelled"));
    const cancelled = createWorkbench([createFileLister()], { signal });
    await expect(cancelled.run("list_files", { path: "." })).rejects.toThrow("cancelled");
  });
});
