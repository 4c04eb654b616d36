/** What a source file is written in, told by the ending of its name. */
export type Language = "javascript" | "jsx" | "typescript" | "tsx";

const languageOfEnding: Readonly<Record<string, Language>> = {
  js: "javascript",
  mjs: "javascript",
  cjs: "javascript",
  jsx: "jsx",
  ts: "typescript",
  mts: "typescript",
  cts: "typescript",
  tsx: "tsx",
};

/** The language of a file; undefined for one that is no JavaScript or TypeScript source. */
export const languageOf = (path: string): Language | undefined => {
  const ending = sourceEnding(path);
  return ending === undefined ? undefined : languageOfEnding[ending.slice(ending.lastIndexOf(".") + 1)];
};

/** The ending that gives a source file its meaning, such as `.mts` or `.d.ts`; undefined for other files. */
export const sourceEnding = (path: string): string | undefined =>
  /(?:\.d)?\.[cm]?[jt]s$|\.[jt]sx$/.exec(path)?.[0];
