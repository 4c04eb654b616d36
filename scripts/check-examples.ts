/**
 * Checks the examples: workflow files, those in the guides too, are read as `muster workflow check` reads them;
 * agents in JavaScript, shell and Python must at least parse. Whether they work, tests say.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { checkAgentsFile } from "../packages/agents/src/index.ts";
import { loadYaml, parseWorkflow } from "../packages/workflow/src/index.ts";
import { type Finding, reportFindings, root } from "./findings.ts";
import { codeBlocks } from "./markdown.ts";
import { readSource, sourceFiles } from "./source-files.ts";

const files = sourceFiles();

function workflowMistakes(file: string, text: string, firstLine = 1): Finding[] {
  return parseWorkflow(text).problems.map(({ message, hint, line = 1 }) => ({
    file,
    line: firstLine + line - 1,
    what: message,
    why: hint ?? "An example must run as it stands.",
  }));
}

const isAgentsFile = (text: string): boolean => /^agents:/m.test(text) && !/^steps:/m.test(text);

function agentMistakes(file: string, text: string, firstLine = 1): Finding[] {
  const { document, locate, problems } = loadYaml(text);
  const why = "An example must run as it stands.";
  const broken = problems.map(({ message, line = 1 }) => ({
    file,
    line: firstLine + line - 1,
    what: message,
    why,
  }));
  if (broken.length > 0) return broken;
  return checkAgentsFile(document).mistakes.map(({ path, message }) => {
    const line = firstLine + (locate(path, "value")?.line ?? 1) - 1;
    return { file, line, what: message, why };
  });
}

/** A whole workflow, not a piece of one. */
const isWorkflow = (text: string): boolean => /^name:/m.test(text) && /^steps:/m.test(text);

const workflows = files
  .filter((file) => /^examples\/.*\.ya?ml$/.test(file))
  .flatMap((file) => {
    const text = readSource(file);
    return isAgentsFile(text) ? agentMistakes(file, text) : workflowMistakes(file, text);
  });

const inGuides = files
  .filter((file) => file.endsWith(".md"))
  .flatMap((file) =>
    codeBlocks(readSource(file))
      .filter(({ language }) => language === "yaml")
      .flatMap(({ text, line }) => {
        if (isWorkflow(text)) return workflowMistakes(file, text, line);
        return isAgentsFile(text) ? agentMistakes(file, text, line) : [];
      }),
  );

const pythonCheck = "import ast, sys; ast.parse(open(sys.argv[1], encoding='utf-8').read(), sys.argv[1])";
const parsers: Record<string, [string, ...string[]]> = {
  mjs: [process.execPath, "--check"],
  js: [process.execPath, "--check"],
  sh: ["bash", "-n"],
  py: ["python3", "-c", pythonCheck],
};

const programs = files
  .filter((file) => file.startsWith("examples/"))
  .flatMap((file): Finding[] => {
    const parser = parsers[file.slice(file.lastIndexOf(".") + 1)];
    if (parser === undefined) return [];
    const [program, ...options] = parser;
    const { status, stderr, error } = spawnSync(program, [...options, join(root, file)], {
      encoding: "utf8",
    });
    if (error !== undefined) {
      console.log(`${file} is not looked at: there is no ${program} here`);
      return [];
    }
    return status === 0 ? [] : [{ file, what: stderr.trim(), why: "An example must run as it stands." }];
  });

reportFindings("examples", [...workflows, ...inGuides, ...programs]);
