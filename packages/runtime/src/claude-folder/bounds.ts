/** What a `.claude` folder may hold. What lies beyond a bound is not loaded, and its report says so. */
export const claudeBounds = {
  /** Bytes of one file. */
  fileBytes: 256 * 1024,
  /** Bytes of all files together. */
  folderBytes: 64 * 1024 * 1024,
  /** Files and folders that are looked at, of each kind. */
  entries: 5_000,
  /** Agents, skills and commands, of each kind. */
  filesPerKind: 2_000,
  /** Folders below the one of a kind. */
  depth: 12,
  /** Characters of a front matter. */
  frontMatterLength: 24 * 1024,
  /** Characters of a name. */
  nameLength: 100,
  /** Characters of a description; the rest is cut off. */
  descriptionLength: 8_000,
  /** Entries in a list of tools, skills or servers. */
  listEntries: 500,
  /** Characters of one entry of such a list. */
  entryLength: 500,
  /** Values in the unknown keys of one file, and how deep they lie. */
  metadataValues: 500,
  metadataDepth: 8,
  metadataTextLength: 2_000,
  /** Turns that `maxTurns` may allow. */
  turns: 1_000,
  /** Tags and capabilities derived from one file. */
  tags: 24,
  capabilities: 4,
  /** Hooks of one file, and characters of one command. */
  hooksPerFile: 100,
  commandLength: 8_000,
  /** Sentences of one kind in one report. */
  repairsPerFile: 30,
} as const;
