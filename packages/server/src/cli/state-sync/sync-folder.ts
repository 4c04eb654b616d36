import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ProjectState } from "@muster/sdk";
import { equalJson, type Json, MusterError, mergeThreeWay, type StateDocument } from "@muster/sdk/protocol";
import { CliError, exitCodes } from "../cli-error.ts";
import { type BaseVersion, forgetBase, readBases, writeBase } from "./bases.ts";
import {
  type Between,
  checkPath,
  keepConflict,
  type LocalFile,
  type LocalProblem,
  privateFolder,
  readLocal,
  removeDocument,
  scanFolder,
  settleAside,
  textOf,
  writeDocument,
  writePrivate,
} from "./folder.ts";

/** What happened to one document. */
export interface SyncEvent {
  what:
    | "uploaded"
    | "downloaded"
    | "merged"
    | "conflict"
    | "deleted here"
    | "deleted there"
    | "kept"
    | "problem";
  path: string;
  detail?: string;
}

export interface SyncDependencies {
  root: string;
  project: string;
  remote: Pick<ProjectState, "get" | "put" | "delete" | "list">;
  tell: (event: SyncEvent) => void;
  between?: Between;
}

/** How often a document is looked at again because somebody changed a side meanwhile. */
const mostTries = 5;
const pageSize = 500;

/**
 * Brings a folder of JSON files and a project in step, once. For each document there are three versions: the file, the
 * newest one of the server, and the base, which both were when they last agreed. Who differs from the base has changed;
 * where both have, they are merged, and what can't be merged is kept beside the file as it was here. The base is written
 * last: after a crash at any point the same is found out again. Times decide nothing.
 */
export async function syncFolder(dependencies: SyncDependencies): Promise<void> {
  const { root, remote, tell } = dependencies;
  await mkdir(join(root, privateFolder), { recursive: true });
  for (const { path, file } of await settleAside(root))
    tell({ what: "conflict", path, detail: `was written to while it was replaced; kept as ${file}` });
  const there = await listAll(dependencies);
  const [here, bases] = [await scanFolder(root), await readBases(root)];
  const sync = createPathSync(dependencies);
  for (const path of [...new Set([...here.keys(), ...there.keys(), ...bases.keys()])].sort()) {
    const file = here.get(path);
    if (file !== undefined && "problem" in file) {
      tell({ what: "problem", path, detail: file.problem });
      continue;
    }
    try {
      checkPath(path);
      await sync(path, { file, base: bases.get(path), version: there.get(path) });
    } catch (error) {
      if (!isAboutOne(error)) throw error;
      tell({ what: "problem", path, detail: (error as Error).message });
    }
  }

  async function listAll({ project }: SyncDependencies): Promise<Map<string, number>> {
    const versions = new Map<string, number>();
    for (let after = ""; ; ) {
      const page = await remote.list({ limit: pageSize, ...(after === "" ? {} : { after }) });
      if (after === "") await checkProject(root, project, page.createdAt);
      for (const { path, version } of page.items) versions.set(path, version);
      if (page.next === null) return versions;
      after = page.next;
    }
  }
}

/** A refusal of one document must not hold up the others; a server that is away holds up all. */
const isAboutOne = (error: unknown): boolean =>
  error instanceof MusterError
    ? !error.retryable && !["unauthenticated", "forbidden"].includes(error.code)
    : error instanceof Error && error.name === "Error";

/** A folder belongs to one project of one server: another one has nothing of it, and would have it deleted here. */
async function checkProject(root: string, project: string, createdAt: string | null): Promise<void> {
  const text = await readFile(join(root, privateFolder, "project.json"), "utf8").catch(() => undefined);
  const known = text === undefined ? undefined : (JSON.parse(text) as { project: string; createdAt: string });
  if (known === undefined) {
    if (createdAt !== null) await writePrivate(root, "project.json", JSON.stringify({ project, createdAt }));
    return;
  }
  if (known.project === project && known.createdAt === createdAt) return;
  throw new CliError(
    known.project === project
      ? `the project ${project} of this server is another one than ${root} was synced with`
      : `${root} was synced with the project ${known.project}, not with ${project}`,
    {
      hint: `Use another folder, or delete ${join(root, privateFolder)} to begin anew: both sides are joined then.`,
      exitCode: exitCodes.failed,
    },
  );
}

interface Sides {
  file: LocalFile | undefined;
  base: BaseVersion | undefined;
  /** The newest version of the server. */
  version: number | undefined;
}

function createPathSync({ root, remote, tell, between = async () => {} }: SyncDependencies) {
  return async function sync(path: string, sides: Sides): Promise<void> {
    for (let tries = 0; tries < mostTries; tries++) {
      const { base, version } = sides;
      let { file } = sides;
      if (tries > 0) {
        const read: LocalFile | LocalProblem | undefined = await readLocal(root, path);
        if (read !== undefined && "problem" in read) throw new Error(read.problem);
        file = read;
      }
      const newest = tries === 0 ? version : (await remote.get(path))?.version;
      if (await bringInStep(path, { file, base, version: newest })) return;
    }
    throw new Error("it changes all the time; it is looked at again in the next round");
  };

  /** False: a side has changed meanwhile. */
  async function bringInStep(path: string, sides: Sides): Promise<boolean> {
    const { file, base, version } = sides;
    const isNew = !equalJson(file?.content, base?.content);
    const isNewThere = version !== base?.version;
    if (!isNew && !isNewThere) return true;
    if (!isNewThere)
      return upload(path, file, base?.version ?? 0, file === undefined ? "deleted there" : "uploaded");
    const document = version === undefined ? null : await remote.get(path);
    if ((document === null) !== (version === undefined)) return false;
    if (document === null) return withoutTheirs(path, file, isNew);
    if (file !== undefined && isNew) return join3(path, file, base, document);
    if (!(await download(path, document.content as Json, file))) return false;
    const detail = "it was changed there while it was deleted here";
    tell(isNew ? { what: "kept", path, detail } : { what: "downloaded", path });
    return inStep(path, document.version, document.content as Json);
  }

  async function inStep(path: string, version: number, content: Json): Promise<true> {
    await between();
    await writeBase(root, { path, version, content });
    return true;
  }

  async function upload(
    path: string,
    file: LocalFile | undefined,
    ifVersion: number,
    what: SyncEvent["what"],
    detail?: string,
  ): Promise<boolean> {
    await between();
    try {
      if (file === undefined) {
        await remote.delete(path, { ifVersion });
        await between();
        await forgetBase(root, path);
      } else {
        const { version } = await remote.put(path, file.content, { ifVersion });
        await inStep(path, version, file.content);
      }
    } catch (error) {
      if (error instanceof MusterError && error.code === "precondition_failed") return false;
      throw error;
    }
    tell({ what, path, ...(detail === undefined ? {} : { detail }) });
    return true;
  }

  async function withoutTheirs(path: string, file: LocalFile | undefined, isNew: boolean): Promise<boolean> {
    if (file !== undefined && isNew) {
      return upload(path, file, 0, "kept", "it was changed here while it was deleted there");
    }
    if (file !== undefined) {
      if (!(await removeDocument(root, path, file.text, between))) return false;
      tell({ what: "deleted here", path });
    }
    await between();
    await forgetBase(root, path);
    return true;
  }

  /** True without writing where the file already says the same. */
  async function download(path: string, content: Json, file: LocalFile | undefined): Promise<boolean> {
    if (equalJson(file?.content, content)) return true;
    return writeDocument(root, path, textOf(content), file?.text ?? null, between);
  }

  /** Both have changed. Where they disagree theirs stands in the file, and what was here beside it. */
  async function join3(
    path: string,
    file: LocalFile,
    base: BaseVersion | undefined,
    document: StateDocument,
  ): Promise<boolean> {
    const theirs = document.content as Json;
    const { value, conflicts } = mergeThreeWay(base?.content, file.content, theirs);
    const merged = value as Json;
    if (conflicts.length > 0) {
      const name = await keepConflict(root, path, file.text);
      await between();
      const places = conflicts.map((conflict) => conflict.path || "the root").slice(0, 5);
      tell({ what: "conflict", path, detail: `both changed ${places.join(", ")}; yours is kept as ${name}` });
    }
    let { version } = document;
    if (!equalJson(merged, theirs)) {
      try {
        version = (await remote.put(path, merged, { ifVersion: version })).version;
      } catch (error) {
        if (error instanceof MusterError && error.code === "precondition_failed") return false;
        throw error;
      }
      await between();
    }
    if (!(await download(path, merged, file))) return false;
    if (conflicts.length === 0 && !equalJson(file.content, theirs)) tell({ what: "merged", path });
    return inStep(path, version, merged);
  }
}
