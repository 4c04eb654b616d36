import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import type { CliContext } from "../cli-context.ts";
import { dataDirOf } from "../connect/read-server-file.ts";
import { type Finding, fine, missing, wrong } from "./finding.ts";

/** The oldest Node.js that Muster runs on. */
const leastNode = [20, 19] as const;

export function lookAtNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isOld = major < leastNode[0] || (major === leastNode[0] && minor < leastNode[1]);
  const says = `Node.js ${version}`;
  return isOld
    ? wrong("node", `${says} is too old`, `Install Node.js ${leastNode.join(".")} or newer.`)
    : fine("node", says);
}

/** The folder with the data, or the place where it would be. */
export function lookAtStore(context: CliContext, dataDir: string | undefined): Finding {
  const folder = dataDirOf(context, dataDir);
  const nearest = nearestExisting(folder);
  if (!statSync(nearest).isDirectory()) {
    return wrong(
      "store",
      `${nearest} is no folder`,
      "Name another folder with --data-dir or MUSTER_DATA_DIR.",
    );
  }
  try {
    accessSync(nearest, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return wrong(
      "store",
      `${nearest} can't be written to`,
      "Give this user the right, or name another folder.",
    );
  }
  return fine(
    "store",
    existsSync(folder) ? `${folder} can be written to` : `${folder} can be made when it is needed`,
  );
}

function nearestExisting(path: string): string {
  let place = path;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  return place;
}

const tools: readonly [program: string, without: string][] = [
  ["git", "agents can't have a worktree of their own"],
  ["bwrap", "commands that agents run are not sandboxed but for a scrubbed environment and limits"],
];

/** Programs that agents are better off with. They are looked for, not run. */
export const lookAtTools = ({ env }: Pick<CliContext, "env">): Finding[] =>
  tools.map(([program, without]) => {
    const found = (env.PATH ?? "")
      .split(delimiter)
      .map((folder) => join(folder, program))
      .find(isProgram);
    const about = `tool ${program}`;
    return found === undefined
      ? missing(about, `${program} is not on the PATH: ${without}`, `Install ${packageOf[program]}.`)
      : fine(about, found);
  });

const packageOf: Readonly<Record<string, string>> = { git: "git", bwrap: "bubblewrap" };

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
