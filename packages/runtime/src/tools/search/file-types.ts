/** What the `type` of a search means, by the names that ripgrep gives them. */
const fileTypes: Readonly<Record<string, string>> = {
  c: "c,h",
  cpp: "cc,cpp,cxx,hh,hpp,hxx,h,inl",
  cs: "cs",
  css: "css,scss,sass,less",
  csv: "csv",
  dart: "dart",
  elixir: "ex,exs",
  go: "go",
  graphql: "graphql,gql",
  html: "html,htm",
  java: "java",
  js: "js,jsx,mjs,cjs,vue",
  json: "json,jsonl",
  kotlin: "kt,kts",
  lua: "lua",
  md: "md,markdown,mdx",
  markdown: "md,markdown,mdx",
  php: "php",
  proto: "proto",
  py: "py,pyi",
  ruby: "rb,erb,rake",
  rust: "rs",
  scala: "scala,sbt",
  sh: "sh,bash,zsh",
  sql: "sql",
  svelte: "svelte",
  swift: "swift",
  toml: "toml",
  ts: "ts,tsx,mts,cts",
  txt: "txt",
  xml: "xml,xsd,xsl",
  yaml: "yaml,yml",
};

/** A glob for the files of a type; null for a type that is not known. */
export const globOfType = (type: string): string | null => {
  const endings = Object.hasOwn(fileTypes, type) ? fileTypes[type] : undefined;
  if (endings === undefined) return null;
  return endings.includes(",") ? `**/*.{${endings}}` : `**/*.${endings}`;
};

export const knownTypes = (): string => Object.keys(fileTypes).join(", ");
