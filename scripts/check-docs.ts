/** Checks that what the documents point to is there, and that the README still has its two commands. */
import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { type Finding, reportFindings, root } from "./findings.ts";
import { anchorsOf, linksOf } from "./markdown.ts";
import { readSource, sourceFiles } from "./source-files.ts";

const documents = sourceFiles().filter((file) => file.endsWith(".md"));
/** The two commands of the project; .ci/run runs the second one as the README has it. */
const commands = ["npm ci && npx muster run examples/repo-review.yaml --input path=.", "npm ci && npm test"];

function brokenLinks(file: string): Finding[] {
  return linksOf(readSource(file)).flatMap(({ target, line }) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [path = "", anchor] = target.split("#");
    const linked = path === "" ? file : posix.join(posix.dirname(file), path);
    const what = `links to ${target}, which is not there`;
    const why = "Somebody followed this to find out more.";
    if (!existsSync(join(root, linked))) return [{ file, line, what, why }];
    const missing =
      anchor !== undefined && linked.endsWith(".md") && !anchorsOf(readSource(linked)).has(anchor);
    return missing ? [{ file, line, what, why }] : [];
  });
}

const readme = readSource("README.md");
const missing = commands.filter((command) => !readme.split("\n").includes(command));
reportFindings("documents", [
  ...documents.flatMap(brokenLinks),
  ...missing.map((command) => ({
    file: "README.md",
    what: `does not give the command: ${command}`,
    why: "It is one of the two that a newcomer needs.",
  })),
]);
