import { existsSync } from "node:fs";
import { symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { type CodeReviewOutput, createCodeReviewer } from "./code-reviewer.ts";
import { createWorkbench } from "./test/task-context.ts";
import { removeFolders, temporaryFolder, writeFiles } from "./test/temporary-folder.ts";

afterAll(removeFolders);

const bench = createWorkbench([createCodeReviewer()]);
const review = (root: string, file: string, more: object = {}) =>
  bench.run<CodeReviewOutput>("code_review", { root, file, ...more });

/** Configuration that would run code or silence the linter, if anything read it. */
const hostileFiles = (marker: string): Record<string, string> => {
  const boom = `require("node:fs").writeFileSync(${JSON.stringify(marker)}, "ran");`;
  const config = JSON.stringify({
    jsPlugins: ["./plugin.cjs"],
    plugins: ["./plugin.cjs"],
    extends: ["./plugin.cjs"],
    ignorePatterns: ["**/*"],
    categories: { correctness: "off", suspicious: "off" },
    rules: { "no-debugger": "off" },
  });
  return {
    ".oxlintrc.json": config,
    ".oxlintrc.jsonc": config,
    ".eslintrc.json": config,
    "oxlint.config.ts": boom,
    "oxlint.config.js": boom,
    "eslint.config.js": boom,
    ".eslintrc.js": boom,
    "vite.config.js": boom,
    "plugin.cjs": boom,
    ".gitignore": "*",
    ".ignore": "*",
    ".eslintignore": "*",
    "tsconfig.json":
      '{"extends": "./plugin.cjs", "compilerOptions": {"plugins": [{"name": "./plugin.cjs"}]}}',
    "package.json": JSON.stringify({
      type: "module",
      scripts: { prepare: "node plugin.cjs", preinstall: "node plugin.cjs" },
      eslintConfig: { plugins: ["./plugin.cjs"] },
    }),
    "node_modules/oxlint/package.json": '{"name": "oxlint", "main": "../../plugin.cjs"}',
    "node_modules/vite-plus/package.json": '{"name": "vite-plus", "main": "../../plugin.cjs"}',
  };
};

afterEach(() => vi.unstubAllEnvs());

describe("code_review", () => {
  it("finds real faults with their places", async () => {
    const root = await temporaryFolder({
      "a.ts":
        '/* é😀 */ debugger;\r\nconst o = { a: 1, a: 2 };\nif (typeof o === "strnig") {}\nexport {o};\n',
    });
    const { findings, counts, file } = await review(root, "a.ts");
    expect(file).toBe("a.ts");
    expect(findings.map(({ rule, line, column }) => `${rule} ${line}:${column}`)).toEqual([
      "eslint/no-debugger 1:11",
      "eslint/no-dupe-keys 2:13",
      "eslint/valid-typeof 3:18",
    ]);
    expect(findings[2]).toMatchObject({ severity: "error", help: 'Did you mean `"string"`?' });
    expect(counts).toEqual({ error: 3, warning: 0, info: 0 });
  });

  it("invents nothing: clean code has no findings", async () => {
    const root = await temporaryFolder({
      "a.ts": "export const add = (a: number, b: number): number => a + b;\n",
    });
    expect((await review(root, "a.ts")).findings).toEqual([]);
  });

  it("knows the rules of React where React is", async () => {
    const root = await temporaryFolder({
      "a.jsx": "export const List = ({ items }) => <ul>{items.map((item) => <li>{item}</li>)}</ul>;\n",
    });
    expect((await review(root, "a.jsx")).findings.map(({ rule }) => rule)).toEqual(["react/jsx-key"]);
  });

  it("lists the most severe findings and counts them all", async () => {
    const root = await temporaryFolder({ "a.js": `var unused;\n${"debugger;\n".repeat(9)}` });
    const { findings, counts } = await review(root, "a.js", { maxFindings: 3 });
    expect(findings).toHaveLength(3);
    expect(findings.every(({ severity }) => severity === "error")).toBe(true);
    expect(counts).toEqual({ error: 9, warning: 1, info: 0 });
  });

  it("does not take long over a file that is full of faults", async () => {
    const root = await temporaryFolder({ "a.js": "debugger;".repeat(8_000) });
    const { findings, counts } = await review(root, "a.js", { maxFindings: 500 });
    expect(findings).toHaveLength(500);
    expect(counts.error).toBe(8_000);
  });

  it("reports a syntax error as a finding", async () => {
    const root = await temporaryFolder({ "a.js": "const x = ;\n" });
    const { findings } = await review(root, "a.js");
    expect(findings).toMatchObject([{ rule: "syntax-error", severity: "error", line: 1, column: 11 }]);
  });

  it("says why a file could not be reviewed", async () => {
    const root = await temporaryFolder({
      "binary.js": Buffer.from([0, 1, 2]),
      "latin1.js": Buffer.from('"\xe9"', "latin1"),
      "huge.js": "//\n".repeat(200_000),
      "deep.js": "(".repeat(50_000),
      "faults.js": "a;".repeat(20_000),
      "folder.js/x.txt": "",
    });
    const reasons: Record<string, string> = {
      "binary.js": "it is binary, not text",
      "latin1.js": "it is not UTF-8 text",
      "huge.js": "it is larger than 512 KiB",
      "deep.js": "the linter crashed on it",
      "faults.js": "the linter finds too much in it",
      "folder.js": "it is not a regular file",
      "gone.js": "it does not exist",
    };
    for (const [file, reason] of Object.entries(reasons)) {
      expect(await review(root, file)).toMatchObject({ file, findings: [], unreviewed: reason });
    }
  });

  it("reviews many files at the same time, each for itself, also beside one that kills the linter", async () => {
    const files = Object.fromEntries(
      Array.from({ length: 24 }, (_, index) => [`${index}.ts`, `${"\n".repeat(index)}debugger;\n`]),
    );
    const root = await temporaryFolder({
      ...files,
      "deep.ts": "(".repeat(50_000),
      "ok.tsx": "export const ok = 1;\n",
    });
    const results = await Promise.all(
      [...Object.keys(files), "deep.ts", "ok.tsx"].map((file) => review(root, file)),
    );
    const lines = results.map(({ findings }) => findings[0]?.line);
    expect(lines).toEqual([...Array.from({ length: 24 }, (_, index) => index + 1), undefined, undefined]);
    expect(results.at(-2)?.unreviewed).toBe("the linter crashed on it");
    expect(results.at(-1)?.unreviewed).toBeUndefined();
  });

  it("refuses files outside the root", async () => {
    const outside = await temporaryFolder({ "secret.js": "debugger;" });
    const root = await temporaryFolder({ "a.js": "" });
    await symlink(join(outside, "secret.js"), join(root, "link.js"));
    await symlink(outside, join(root, "folder"));
    for (const file of [
      "../a.js",
      "x/../../a.js",
      join(outside, "secret.js"),
      "link.js",
      "folder/secret.js",
    ]) {
      await expect(review(root, file), file).rejects.toMatchObject({ code: "forbidden", retryable: false });
    }
    await expect(review(root, "/etc/passwd")).rejects.toMatchObject({ code: "forbidden" });
    await expect(review(root, "a.json")).rejects.toMatchObject({ code: "invalid_input" });
    await expect(review(join(root, "gone"), "a.js")).rejects.toMatchObject({ code: "not_found" });
  });

  it("neither runs nor obeys anything of a hostile repository", async () => {
    const marker = join(await temporaryFolder(), "marker");
    const root = await temporaryFolder(hostileFiles(marker));
    const comments = [
      '/* eslint plugins: ["./plugin.cjs"], no-debugger: "off" */',
      "/* oxlint-env ./plugin.cjs */",
      '/// <reference path="./plugin.cjs" />',
      "// @ts-nocheck",
      "/* global process:writable */",
      'import "./plugin.cjs";',
      "debugger;",
    ].join("\n");
    await writeFiles(root, { "-c plugin.cjs.js": comments, "sub/a.js": comments });
    for (const file of ["-c plugin.cjs.js", "sub/a.js"]) {
      expect((await review(root, file)).findings).toMatchObject([{ rule: "eslint/no-debugger" }]);
    }
    expect(existsSync(marker)).toBe(false);
  });

  it("is not led astray by what lies around its own working folder", async () => {
    const marker = join(await temporaryFolder(), "marker");
    const hostile = await temporaryFolder({ ...hostileFiles(marker), ".git/HEAD": "ref: refs/heads/main" });
    const root = await temporaryFolder({ "a.ts": "debugger;\n" });
    vi.stubEnv("TMPDIR", hostile);
    vi.stubEnv("NODE_OPTIONS", `--require ${join(hostile, "plugin.cjs")}`);
    expect(tmpdir()).toBe(hostile);
    expect((await review(root, "a.ts")).findings).toMatchObject([{ rule: "eslint/no-debugger" }]);
    expect(existsSync(marker)).toBe(false);
  });

  it("stops the linter when its task is cancelled", async () => {
    const root = await temporaryFolder({ "a.js": "debugger;" });
    const controller = new AbortController();
    const cancelled = createWorkbench([createCodeReviewer()], { signal: controller.signal });
    const work = cancelled.run("code_review", { root, file: "a.js" });
    setTimeout(() => controller.abort(new Error("cancelled")), 20);
    await expect(work).rejects.toThrow("cancelled");
  });
});
