import { execFileSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { benchOf, temporaryFolder } from "../test/bench.ts";
import { fileTools } from "./file-tools.ts";

const secret = "what nobody may read";
let outside: string;
let workspace: string;
beforeEach(() => {
  outside = temporaryFolder();
  workspace = join(outside, "workspace");
  mkdirSync(join(workspace, "src/deep"), { recursive: true });
  writeFileSync(join(outside, "secret.txt"), secret);
});
const bench = () => benchOf(fileTools, {}, { workspace });
const refused = {
  isError: true,
  content: expect.stringMatching(/workspace|symbolic link|not a regular file|folder/),
};

const waysOut: [string, (path: string) => string][] = [
  ["..", (file) => join("..", file)],
  [".. behind a folder", (file) => `src/../../${file}`],
  ["an absolute path", (file) => join(outside, file)],
  [
    "a link to the file",
    (file) => {
      symlinkSync(join(outside, file), join(workspace, "link"));
      return "link";
    },
  ],
  [
    "a relative link",
    (file) => {
      symlinkSync(`../${file}`, join(workspace, "link"));
      return "link";
    },
  ],
  [
    "a link in the middle",
    (file) => {
      symlinkSync(outside, join(workspace, "src/middle"));
      return `src/middle/${file}`;
    },
  ],
  [
    "a link to a link",
    (file) => {
      symlinkSync(outside, join(workspace, "first"));
      symlinkSync("../first", join(workspace, "src/second"));
      return `src/second/${file}`;
    },
  ],
];

it.each(waysOut)("no way out by %s", async (_, way) => {
  const { call } = bench();
  const file_path = way("secret.txt");
  expect(await call("Read", { file_path })).toMatchObject(refused);
  expect(await call("Grep", { pattern: ".", path: file_path })).toMatchObject(refused);
  expect(await call("Write", { file_path, content: "x" })).toMatchObject(refused);
  expect(await call("Edit", { file_path, old_string: "what", new_string: "x" })).toMatchObject(refused);
  expect(readFileSync(join(outside, "secret.txt"), "utf8")).toBe(secret);
});

it.each(waysOut)("no new file outside by %s", async (_, way) => {
  const { call } = bench();
  expect(await call("Write", { file_path: way("new.txt"), content: "x" })).toMatchObject({ isError: true });
  expect(existsSync(join(outside, "new.txt"))).toBe(false);
});

it("searching and listing follow no link", async () => {
  symlinkSync(outside, join(workspace, "src/middle"));
  symlinkSync(join(outside, "secret.txt"), join(workspace, "link.txt"));
  const { call } = bench();
  expect((await call("Grep", { pattern: "nobody" })).content).toBe("No matches found.");
  expect((await call("Glob", { pattern: "**/*.txt" })).content).toBe("No files found.");
  expect(await call("Glob", { pattern: "*", path: "src/middle" })).toMatchObject(refused);
});

it("refuses /proc, devices, pipes and links to them", async () => {
  symlinkSync("/proc/self/environ", join(workspace, "environ"));
  symlinkSync("/proc/self/cwd", join(workspace, "cwd"));
  symlinkSync("/dev/zero", join(workspace, "zero"));
  execFileSync("mkfifo", [join(workspace, "pipe")]);
  const { call } = bench();
  for (const file_path of [
    "/proc/self/environ",
    "environ",
    "cwd/package.json",
    "zero",
    "/dev/zero",
    "pipe",
  ]) {
    expect(await call("Read", { file_path })).toMatchObject(refused);
    expect(await call("Write", { file_path, content: "x" })).toMatchObject(refused);
  }
  expect((await call("Grep", { pattern: "PATH" })).content).toBe("No matches found.");
  await expect(
    benchOf(fileTools, {}, { workspace: "/proc/self/cwd/.." }).call("Read", { file_path: "x" }),
  ).resolves.toMatchObject({ isError: true });
  expect(
    await benchOf(fileTools, {}, { workspace: "/" }).call("Read", { file_path: "etc/passwd" }),
  ).toMatchObject({
    content: expect.stringContaining("can't be a workspace"),
  });
});

it("a file with another name elsewhere is replaced, not written through", async () => {
  linkSync(join(outside, "secret.txt"), join(workspace, "linked.txt"));
  const { call } = bench();
  await call("Write", { file_path: "linked.txt", content: "x" });
  expect(readFileSync(join(outside, "secret.txt"), "utf8")).toBe(secret);
});

it("protects files that start programs or say what agents may do", async () => {
  mkdirSync(join(workspace, ".git/hooks"), { recursive: true });
  mkdirSync(join(workspace, ".claude"));
  symlinkSync(".git/hooks", join(workspace, "innocent"));
  const { call } = bench();
  const paths = [
    ".git/hooks/post-commit",
    "innocent/post-commit",
    "src/.GIT/config",
    ".mcp.json",
    ".claude/settings.json",
    ".claude/agents/x.md",
    "packages/app/.claude/settings.json",
    "packages/app/.Claude/hooks/x.sh",
    "packages/app/.mcp.json",
    "muster.yaml",
  ];
  for (const file_path of paths) {
    expect(await call("Write", { file_path, content: "x" })).toMatchObject({
      isError: true,
      content: expect.stringContaining("is protected"),
    });
  }
  expect(
    await call("Write", { file_path: ".claude/agent-memory/x/MEMORY.md", content: "x" }),
  ).not.toHaveProperty("isError");
});

it("whoever swaps a folder for a link while files are read and written gets nothing", async () => {
  const { call } = bench();
  const victim = join(workspace, "src/deep");
  const kept = join(workspace, "kept");
  writeFileSync(join(victim, "secret.txt"), "inside");
  let swapping = true;
  // A write may make the folder again while it is away; then it is taken away once more.
  const putBack = () => {
    for (;;) {
      rmSync(victim, { recursive: true, force: true });
      try {
        return renameSync(kept, victim);
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toMatch(/ENOTEMPTY|EEXIST/);
      }
    }
  };
  const swaps = (async () => {
    for (let round = 0; swapping; round++) {
      renameSync(victim, kept);
      try {
        symlinkSync(outside, victim);
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe("EEXIST");
      }
      await new Promise(setImmediate);
      putBack();
      if (round % 3 === 0) await new Promise(setImmediate);
    }
  })();
  const file_path = "src/deep/secret.txt";
  for (let round = 0; round < 60; round++) {
    const [read] = await Promise.all([
      call("Read", { file_path }),
      call("Write", { file_path, content: "inside" }),
      call("Grep", { pattern: "nobody" }).then(({ content }) => expect(content).toBe("No matches found.")),
    ]);
    expect(read.content).not.toContain(secret);
  }
  swapping = false;
  await swaps;
  expect(readFileSync(join(outside, "secret.txt"), "utf8")).toBe(secret);
});
