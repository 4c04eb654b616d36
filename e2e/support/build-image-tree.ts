import { execFile } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { sourceFiles } from "../../scripts/source-files.ts";
import { root, temporaryFolder } from "./processes.ts";

/** One line of a Dockerfile, without its continuation marks. */
interface Instruction {
  name: string;
  text: string;
}

/** npm may have to fetch everything, on a machine that has other work. */
const mostRunMs = 400_000;

const instructionsOf = (dockerfile: string): Instruction[] =>
  dockerfile
    .replace(/^#.*\n/gm, "")
    .replace(/\\\n/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => ({
      name: line.slice(0, line.indexOf(" ")),
      text: line.slice(line.indexOf(" ") + 1).trim(),
    }));

/** The instructions of the first stage, which builds. */
function buildStage(): Instruction[] {
  const all = instructionsOf(readFileSync(join(root, "deploy", "Dockerfile"), "utf8"));
  const from = all.findIndex(({ name, text }) => name === "FROM" && text.endsWith(" AS build"));
  const length = all.slice(from + 1).findIndex(({ name }) => name === "FROM");
  if (from < 0 || length < 0) throw new Error("The Dockerfile no longer has a stage called build.");
  return all.slice(from + 1, from + 1 + length);
}

/** Whether `.dockerignore` lets a file into the context: the last line that matches it or a folder of it decides. */
function isInContext(file: string, rules: readonly { pattern: RegExp; lets: boolean }[]): boolean {
  const last = rules.findLast(({ pattern }) => pattern.test(file));
  return last?.lets ?? true;
}

function readDockerignore() {
  const lines = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
  return lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const pattern = line
        .replace(/^!/, "")
        .replace(/[.+^${}()|[\]\\]/g, "\\$&")
        .replace(/\*\*\/|\*/g, (star) => (star === "*" ? "[^/]*" : "(?:.*/)?"));
      return { pattern: new RegExp(`^${pattern}(?:/|$)`), lets: line.startsWith("!") };
    });
}

/** As Docker copies: the content of folders, and files under their own name. */
function copy(text: string, folder: string, context: readonly string[]): void {
  const words = text.split(/\s+/);
  const target = words.pop() ?? "";
  for (const source of words) {
    const isFolder = statSync(join(root, source)).isDirectory();
    const files = context.filter((file) => file === source || file.startsWith(`${source}/`));
    if (files.length === 0) throw new Error(`COPY ${source}: nothing of it is in the context.`);
    for (const file of files) {
      const place = join(folder, target, isFolder ? file.slice(source.length + 1) : basename(file));
      mkdirSync(dirname(place), { recursive: true });
      cpSync(join(root, file), place);
    }
  }
}

async function run(command: string, folder: string): Promise<void> {
  const { CI, HOME, PATH } = process.env;
  // What is on this machine already need not be fetched again; what npm tells the tests is none of its business.
  const env = { ...(CI === undefined ? {} : { CI }), HOME, PATH, npm_config_prefer_offline: "true" };
  const options = { cwd: folder, env, timeout: mostRunMs, maxBuffer: 1 << 26 };
  await promisify(execFile)("sh", ["-c", command], options).catch(({ stdout, stderr, message }) => {
    throw new Error(`RUN ${message}\n${stdout}${stderr}`);
  });
}

/**
 * Carries out the building stage of the Dockerfile in an empty folder, with the files that Docker would get, and
 * gives back the folder: what the image has in /app. Needs npm and what it fetches from, and no container engine.
 */
export async function buildImageTree(): Promise<string> {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  const rules = readDockerignore();
  const context = sourceFiles().filter((file) => isInContext(file, rules));
  for (const { name, text } of buildStage()) {
    if (name === "COPY") copy(text, folder, context);
    else if (name === "RUN") await run(text, folder);
    else if (name !== "WORKDIR" || text !== "/app") throw new Error(`not known here: ${name} ${text}`);
  }
  cpSync(join(root, "deploy", "healthcheck.mjs"), join(folder, "deploy", "healthcheck.mjs"));
  if (!existsSync(join(folder, "packages/server/dist/cli/main.js"))) throw new Error("Nothing was built.");
  return folder;
}
