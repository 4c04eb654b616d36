import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createBatcher } from "./batch.ts";
import { type NodeExit, runNode } from "./run-node.ts";
import { sourceEnding } from "./source-language.ts";

type Severity = "error" | "warning" | "info";

/** A text, and the name of its file, of which only the ending matters. */
export interface Source {
  file: string;
  text: string;
}

/** One fault that the linter found. */
export interface Diagnostic {
  /** Such as `eslint/no-debugger`; `syntax-error` where the parser gave up. */
  rule: string;
  severity: Severity;
  message: string;
  /** Bytes of the UTF-8 text in front of it; `createLocator` makes a line and a column of it. */
  offset: number;
  help: string | undefined;
}

const timeoutMs = 30_000;
const maxOutputBytes = 4 * 1024 * 1024;

/**
 * Faults are what these categories hold. The rules that are off are opinions about style, or cry wolf where
 * only one file is known at a time.
 */
const configFor = (source: Source) => ({
  plugins: [
    "eslint",
    "typescript",
    "unicorn",
    "oxc",
    "promise",
    "node",
    ...(usesReact(source) ? ["react"] : []),
  ],
  categories: { correctness: "error", suspicious: "warn" },
  env: { builtin: true },
  rules: {
    "eslint/no-unused-vars": ["warn", { args: "none" }],
    "eslint/no-unused-expressions": "warn",
    "eslint/no-useless-escape": "warn",
    "eslint/no-control-regex": "warn",
    "unicorn/no-thenable": "warn",
    "unicorn/no-new-array": "warn",
    "unicorn/no-useless-spread": "warn",
    "eslint/no-unmodified-loop-condition": "off",
    "eslint/no-new": "off",
    "eslint/no-shadow": "off",
    "eslint/no-underscore-dangle": "off",
    "eslint/no-unneeded-ternary": "off",
    "oxc/no-async-endpoint-handlers": "off",
    "promise/always-return": "off",
    "promise/no-callback-in-promise": "off",
    "promise/no-promise-in-callback": "off",
    "react/react-in-jsx-scope": "off",
    "typescript/no-extraneous-class": "off",
    "typescript/no-this-alias": "off",
    "typescript/triple-slash-reference": "off",
    "unicorn/consistent-function-scoping": "off",
    "unicorn/no-array-reverse": "off",
    "unicorn/no-array-sort": "off",
    "unicorn/no-empty-file": "off",
    "unicorn/no-instanceof-builtins": "off",
    "unicorn/prefer-add-event-listener": "off",
    "unicorn/require-module-specifiers": "off",
  },
});

/** Rules of React see components in any function that uses `this`, so they run where React is. */
const usesReact = ({ file, text }: Source): boolean => /\.[jt]sx$/.test(file) || /["']react["'/]/.test(text);

// The package exports no path to its bin, so it is found from its package.json.
const require = createRequire(import.meta.url);
const oxlintBin = join(dirname(require.resolve("oxlint/package.json")), "bin", "oxlint");

/**
 * Lints one source text; undefined when the linter died of it. Starting oxlint costs far more than linting, so
 * texts that wait at the same time share a process. They lie in a new private folder under names of ours, and
 * the configuration is ours: whatever the repository holds (configuration of linters, plugins, package.json,
 * ignore files, file names made to look like options) is never near.
 */
export const lint = (source: Source, signal: AbortSignal): Promise<Diagnostic[] | undefined> =>
  lintTogether(source, signal);

const lintTogether = createBatcher<Source, Diagnostic[] | undefined>({
  maxSize: 8,
  maxRunning: 2,
  belongTogether: (one, other) => usesReact(one) === usesReact(other),
  async run(sources, signal) {
    const folder = await mkdtemp(join(tmpdir(), "muster-review-"));
    try {
      return await lintIn(folder, sources, signal);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
});

const lintIn = async (
  folder: string,
  sources: readonly Source[],
  signal: AbortSignal,
): Promise<(Diagnostic[] | undefined)[]> => {
  const names = sources.map(({ file }, index) => `${index}${sourceEnding(file) ?? ".js"}`);
  await writeFile(join(folder, "config.json"), JSON.stringify(configFor(sources[0]!)));
  for (const [index, name] of names.entries()) await writeFile(join(folder, name), sources[index]!.text);
  const exit = await runNode(oxlintBin, [...fixedArguments, "--", ...names], {
    cwd: folder,
    signal,
    timeoutMs,
    maxOutputBytes,
  });
  const found = diagnosticsOf(exit);
  if (found !== undefined) return names.map((name) => found.get(name) ?? []);
  // Which of several texts it died of shows when each is linted alone.
  if (names.length > 1) throw new Error("the linter died");
  return [undefined];
};

const fixedArguments = [
  "-c",
  "config.json",
  "--disable-nested-config",
  "--no-ignore",
  "--threads=1",
  "--format",
  "json",
] as const;

interface RawDiagnostic {
  filename?: unknown;
  message?: unknown;
  code?: unknown;
  severity?: unknown;
  help?: unknown;
  labels?: { span?: { offset?: unknown } }[];
}

/** What was found, by the name of the file; undefined when the linter did not come to its end. */
const diagnosticsOf = (exit: NodeExit): Map<string, Diagnostic[]> | undefined => {
  if (exit.code === null || !exit.stdout.trimStart().startsWith("{")) return undefined;
  const { diagnostics } = JSON.parse(exit.stdout) as { diagnostics: RawDiagnostic[] };
  const byName = new Map<string, Diagnostic[]>();
  for (const raw of diagnostics) {
    const name = String(raw.filename);
    const others = byName.get(name);
    if (others === undefined) byName.set(name, [toDiagnostic(raw)]);
    else others.push(toDiagnostic(raw));
  }
  return byName;
};

const toDiagnostic = (raw: RawDiagnostic): Diagnostic => {
  const offset = raw.labels?.[0]?.span?.offset;
  return {
    rule: typeof raw.code === "string" ? raw.code.replace(/^([\w-]+)\((.+)\)$/, "$1/$2") : "syntax-error",
    severity: raw.severity === "error" ? "error" : raw.severity === "warning" ? "warning" : "info",
    message: String(raw.message),
    offset: typeof offset === "number" ? offset : 0,
    help: typeof raw.help === "string" ? raw.help : undefined,
  };
};

/** Line and column of a byte of a text, from 1. oxlint counts columns in bytes, editors in UTF-16 code units. */
export const createLocator = (text: string): ((offset: number) => { line: number; column: number }) => {
  const bytes = Buffer.from(text);
  return (offset) => {
    const before = bytes.subarray(0, offset);
    let line = 1;
    for (let at = before.indexOf(10); at !== -1; at = before.indexOf(10, at + 1)) line += 1;
    return { line, column: before.toString("utf8", before.lastIndexOf(10) + 1).length + 1 };
  };
};
