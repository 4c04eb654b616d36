import { codeBlock, codeSpan, commentText, plainText } from "./markdown.ts";
import type { CodeOutlineOutput } from "./outliner.ts";

type Export = CodeOutlineOutput["exports"][number];

export interface ApiDocumentation {
  markdown: string;
  /** Files that have a section in the document. */
  filesWritten: number;
  /** Files with exports whose section did not fit. */
  filesLeftOut: number;
}

/**
 * API documentation in Markdown: a section per file, an entry per export with its signature and its comment.
 * It stops in front of the first section that does not fit into `maxBytes` and says what is missing.
 */
export const renderApiDocumentation = (
  title: string,
  outlines: readonly CodeOutlineOutput[],
  maxBytes: number,
): ApiDocumentation => {
  const sections = outlines.filter(({ exports }) => exports.length > 0).map(renderFile);
  const parts = [`# ${plainText(title)}\n`];
  let bytes = Buffer.byteLength(parts[0]!);
  let filesWritten = 0;
  for (const section of sections) {
    bytes += Buffer.byteLength(section) + 1;
    if (bytes > maxBytes) break;
    parts.push(section);
    filesWritten += 1;
  }
  const filesLeftOut = sections.length - filesWritten;
  if (sections.length === 0) parts.push("No file exports anything.\n");
  if (filesLeftOut > 0) {
    parts.push(`*The documentation ends here: ${filesLeftOut} more files with exports did not fit.*\n`);
  }
  return { markdown: parts.join("\n"), filesWritten, filesLeftOut };
};

const renderFile = ({ file, exports, problems = [] }: CodeOutlineOutput): string =>
  [
    `## ${codeSpan(file)}\n`,
    ...problems.map((problem) => `*${plainText(problem)}*\n`),
    ...exports.map(renderExport),
  ].join("\n");

const renderExport = ({ name, kind, signature, comment, line }: Export): string =>
  [
    `### ${codeSpan(name)}\n`,
    `*${kind}, line ${line}*\n`,
    ...(signature === "" ? [] : [`${codeBlock(signature, "ts")}\n`]),
    ...(comment === undefined ? [] : [`${commentText(comment)}\n`]),
  ].join("\n");
