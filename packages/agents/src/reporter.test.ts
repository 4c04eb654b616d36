import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { CodeReviewOutput, Finding } from "./code-reviewer.ts";
import { createReporter, type ReportInput, type ReportOutput } from "./reporter.ts";
import { createWorkbench } from "./test/task-context.ts";
import { removeFolders, temporaryFolder } from "./test/temporary-folder.ts";

afterAll(removeFolders);

const clock = () => new Date("2026-03-04T05:06:07.890Z");

const finding = (severity: Finding["severity"], more: Partial<Finding> = {}): Finding => ({
  rule: "eslint/no-debugger",
  severity,
  message: "`debugger` is not allowed",
  line: 3,
  column: 5,
  ...more,
});

const review = (file: string, findings: Finding[]): CodeReviewOutput => {
  const counts = { error: 0, warning: 0, info: 0 };
  for (const { severity } of findings) counts[severity] += 1;
  return { file, findings, counts };
};

const inputOf = (reviews: ReportInput["reviews"], more: Partial<ReportInput> = {}): ReportInput => ({
  title: "Review: all of it!",
  root: "/repo",
  listing: {
    root: "/repo",
    files: ["a.ts", "b.ts", "c.js"].map((path) => ({ path, bytes: 1_024, language: "typescript" })),
    skipped: [{ path: "dist", reason: "output of a build or a tool" }],
  },
  reviews,
  ...more,
});

const write = async (input: ReportInput, cwd?: string) => {
  const folder = cwd ?? (await temporaryFolder());
  const bench = createWorkbench([createReporter({ clock, cwd: folder })]);
  const output = await bench.run<ReportOutput>("report", input);
  return { ...output, folder, markdown: await readFile(output.path, "utf8") };
};

describe("report", () => {
  it("writes what was found, most severe first, and counts it", async () => {
    const { markdown, summary, path, folder } = await write(
      inputOf([
        review("a.ts", [finding("warning", { rule: "oxc/x", help: "Stop *it*." }), finding("error")]),
        { ...review("b.ts", []), unreviewed: "it is binary, not text" },
        null,
      ]),
    );
    expect(path).toBe(join(folder, ".muster/reports/review-all-of-it-2026-03-04-050607-000001.md"));
    expect(summary).toEqual({
      files: 3,
      reviewed: 1,
      unreviewed: 2,
      filesWithFindings: 1,
      findings: 2,
      bySeverity: { error: 1, warning: 1, info: 0 },
      documentedExports: 0,
      undocumentedExports: 0,
    });
    const wanted = [
      "<!-- muster report -->\n# Review: all of it!",
      "| Written | 2026-03-04 05:06:07 UTC |",
      "| Findings | **2**: 1 error, 1 warning, 0 notes |",
      "## Errors (1)\n\n### `a.ts`\n\n- **3:5** `debugger` is not allowed (`eslint/no-debugger`)",
      "## Warnings (1)\n\n### `a.ts`\n\n- **3:5** `debugger` is not allowed (`oxc/x`) *Stop \\*it\\*.*",
      "| [`oxc/x`](https://oxc.rs/docs/guide/usage/linter/rules/oxc/x.html) | 1 |",
      "| `a.ts` | 1 | 1 | 0 |",
      "## Files that could not be reviewed (2)",
      "| `b.ts` | it is binary, not text |\n| `c.js` | its review failed; see the tasks of the run |",
      "| `dist` | output of a build or a tool |",
    ];
    const places = wanted.map((part) => markdown.indexOf(part));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it("says how many findings are not listed", async () => {
    const one = { ...review("a.ts", [finding("error")]), counts: { error: 7, warning: 0, info: 0 } };
    const { markdown, summary } = await write(inputOf([one]));
    expect(summary.findings).toBe(7);
    expect(markdown).toContain("- …and 6 more that are not listed");
    expect(markdown).toContain("Counted over the 1 findings that are listed.");
  });

  it("takes in the documentation as a section, its code as it is", async () => {
    const markdown = "# API\n\n## `a.ts`\n\n```ts\n# not a heading\n```\n\n## Last\n";
    const { markdown: report } = await write(
      inputOf([], {
        documentation: {
          markdown,
          documented: 3,
          undocumented: ["a.ts: x"],
          undocumentedTotal: 1,
          failed: [{ file: "b.ts", reason: "too *odd*" }],
          failedTotal: 1,
        },
      }),
    );
    expect(report).toContain("## API\n\n### `a.ts`\n\n```ts\n# not a heading\n```\n\n### Last\n");
    expect(report).toContain("| Exports | 4, 3 with a comment (75 %) |");
    expect(report).toContain("Not documented (1):\n\n- `b.ts`: too \\*odd\\*");
  });

  it("lets no name, message or rule become markup", async () => {
    const evil = "x|\n# <script>alert(1)</script>`![i](http://e.vil)\\|.js";
    const input = inputOf([review(evil, [finding("error", { message: evil, rule: evil, help: evil })])]);
    input.listing.files = [{ path: evil, bytes: 1, language: "javascript" }];
    input.listing.skipped = [{ path: evil, reason: evil }];
    input.title = "<b>Title</b>";
    input.root = evil;
    const { markdown } = await write(input);
    const outsideCode = markdown
      .replace(/(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, "")
      .replace(/<\/?code>|<!-- muster report -->/g, "");
    expect(outsideCode).not.toMatch(/<\w|!\[i|(?<!\\)\]\(http:/);
    expect(markdown.match(/^# .*$/gm)).toEqual(["# &lt;b&gt;Title&lt;/b&gt;"]);
    for (const row of markdown.split("\n").filter((line) => line.startsWith("| <code>"))) {
      expect(row.replaceAll("\\\\", "").replaceAll("\\|", "").split("|").length).toBeLessThanOrEqual(6);
    }
  });

  it("replaces a report of its own and nothing else", async () => {
    const folder = await temporaryFolder({ "mine.md": "# My notes\n" });
    const input = (to: string) => inputOf([], { to });
    const first = await write(input("out/review.md"), folder);
    await writeFile(first.path, `${first.markdown}more`);
    const second = await write(input("out/review.md"), folder);
    expect(second).toMatchObject({ path: join(folder, "out/review.md"), markdown: first.markdown });
    await mkdir(join(folder, "folder.md"));
    await symlink(second.path, join(folder, "link.md"));
    for (const to of ["mine.md", "folder.md", "link.md"]) {
      await expect(write(input(to), folder), to).rejects.toMatchObject({ code: "conflict" });
    }
    expect(await readFile(join(folder, "mine.md"), "utf8")).toBe("# My notes\n");
    expect(await readdir(join(folder, "out"))).toEqual(["review.md"]);
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("writes Markdown files only, and only where it can", async () => {
    const folder = await temporaryFolder({ "file.md": "" });
    for (const to of ["report.txt", ".md", "a/.md", "a\0.md", "file.md/x.md"]) {
      await expect(write(inputOf([], { to }), folder), to).rejects.toMatchObject({ code: "invalid_input" });
    }
    expect(await readdir(folder)).toEqual(["file.md"]);
  });

  it("is not led out of the working folder by a link", async () => {
    const elsewhere = await temporaryFolder();
    const folder = await temporaryFolder();
    await symlink(elsewhere, join(folder, ".muster"));
    await expect(write(inputOf([]), folder)).rejects.toMatchObject({ code: "forbidden" });
  });

  it("stops before it writes when its task is cancelled", async () => {
    const cwd = await temporaryFolder();
    const signal = AbortSignal.abort(new Error("cancelled"));
    const bench = createWorkbench([createReporter({ clock, cwd })], { signal });
    await expect(bench.run("report", inputOf([], { to: "r.md" }))).rejects.toThrow("cancelled");
    expect(await readdir(cwd)).toEqual([]);
  });
});
