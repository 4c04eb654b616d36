import { MusterError } from "@muster/sdk";
import { afterAll, describe, expect, it } from "vitest";
import { createDocumenter, type DocumentationOutput } from "./documenter.ts";
import { createOutliner } from "./outliner.ts";
import { createWorkbench, type WorkbenchOptions } from "./test/task-context.ts";
import { removeFolders, temporaryFolder } from "./test/temporary-folder.ts";

afterAll(removeFolders);

const agents = [createDocumenter(), createOutliner()];
const document = async (input: object, options: WorkbenchOptions = {}) => {
  const bench = createWorkbench(agents, options);
  return { bench, output: await bench.run<DocumentationOutput>("documentation_generation", input) };
};

/** An outline with one export, of a file with any name. */
const outlineOf = (input: unknown) => {
  const { file } = input as { file: string };
  return { file, exports: [{ name: "x", kind: "constant", signature: "const x", line: 1 }], imports: [] };
};

describe("documentation_generation", () => {
  it("hands every file to another agent and joins the outlines into one document", async () => {
    const root = await temporaryFolder({
      "a.ts": "/** Adds `a` and <b>. */\nexport const add = (a: number): number => a;\n",
      "b.js": "exports.two = 2;\nmodule.exports.three = () => 3;\n",
    });
    const { bench, output } = await document({ root, files: ["b.js", "a.ts"], title: "My *API*" });
    expect(bench.delegated.map(({ capability, input }) => [capability, input])).toEqual([
      ["code_outline", { root, file: "b.js" }],
      ["code_outline", { root, file: "a.ts" }],
    ]);
    expect(output).toMatchObject({
      documented: 1,
      undocumented: ["b.js: two", "b.js: three"],
      undocumentedTotal: 2,
      failed: [],
    });
    expect(output.markdown).toBe(
      [
        "# My \\*API\\*\n",
        "## `b.js`\n\n### `two`\n\n*value, line 1*\n",
        "### `three`\n\n*function, line 2*\n\n```ts\nthree()\n```\n",
        "## `a.ts`\n\n### `add`\n\n*function, line 2*\n\n```ts\nconst add = (a: number): number\n```\n",
        "Adds `a` and &lt;b&gt;.\n",
      ].join("\n"),
    );
  });

  it("joins what succeeded and names what failed", async () => {
    const root = await temporaryFolder({ "a.js": "exports.a = 1;", "broken.js": "(" });
    const { output } = await document({ root, files: ["a.js", "broken.js", "../x.js", "gone.js"] });
    expect(output.undocumented).toEqual(["a.js: a"]);
    expect(output.failed).toEqual([
      { file: "broken.js", reason: expect.stringContaining("line 1:") },
      { file: "../x.js", reason: '"../x.js" lies outside the root.' },
      { file: "gone.js", reason: "could not be read: it does not exist" },
    ]);
    expect(output.failedTotal).toBe(3);
  });

  it("delegates in batches with keys of their own and tells its progress", async () => {
    const files = Array.from({ length: 45 }, (_, index) => `${index}.js`);
    const { bench, output } = await document({ root: "/x", files }, { stubs: { code_outline: outlineOf } });
    expect([...new Set(bench.delegated.map(({ key }) => key))]).toEqual([
      "outline-0",
      "outline-20",
      "outline-40",
    ]);
    expect(bench.progress.at(-1)).toEqual({ fraction: 1, message: "45 of 45 files outlined" });
    expect(output.undocumentedTotal).toBe(45);
  });

  it("keeps the document within its bytes and says what is missing", async () => {
    const files = Array.from({ length: 60 }, (_, index) => `${index}.js`);
    const { output } = await document(
      { root: "/x", files, maxBytes: 1_024 },
      { stubs: { code_outline: outlineOf } },
    );
    expect(Buffer.byteLength(output.markdown)).toBeLessThan(1_200);
    expect(output.markdown).toMatch(/The documentation ends here: \d+ more files with exports did not fit/);
  });

  it("says so when there is nothing to document", async () => {
    const { output } = await document({ root: "/x", files: [] });
    expect(output.markdown).toContain("No file exports anything.");
  });

  it("does not go on when its task is cancelled", async () => {
    const controller = new AbortController();
    const files = Array.from({ length: 45 }, (_, index) => `${index}.js`);
    let outlined = 0;
    const stub = (input: unknown) => {
      outlined += 1;
      controller.abort(new MusterError("conflict", "cancelled"));
      return outlineOf(input);
    };
    const work = document(
      { root: "/x", files },
      { signal: controller.signal, stubs: { code_outline: stub } },
    );
    await expect(work).rejects.toThrow("cancelled");
    expect(outlined).toBe(20);
  });
});
