import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, relative, sep } from "node:path";
import { MusterError } from "@muster/sdk";

/** What a person said of one entry of one file, as it stood. */
export interface Approval {
  /** Absolute path of the file that names it. */
  source: string;
  name: string;
  /** Changes with everything that was approved. */
  hash: string;
  /** Approving again makes another one. */
  id: string;
  approvedAt: string;
  /** What it stands among, where that is to be known when the entry is gone. */
  group?: string;
}

export interface ApprovalStore {
  /** Undefined where nobody approved it as it stands. */
  find(source: string, name: string, hash: string): Promise<Approval | undefined>;
  /** Everything that was said of the entries of a file, however they looked then. */
  of(source: string): Promise<readonly Approval[]>;
  /** In the place of what was said of this entry before. */
  approve(approved: Pick<Approval, "source" | "name" | "hash" | "group">): Promise<void>;
  /** Takes back what was said of an entry, however it looked then. Answers whether there was anything. */
  revoke(source: string, name: string): Promise<boolean>;
}

export interface ApprovalStoreOptions {
  /** Nothing in here may approve itself. */
  repository: string;
  /** What is approved, in a word for people: "servers". */
  what: string;
  /** Called for each approval that goes. */
  onForget?: (approval: Approval) => Promise<void>;
}

const mostApprovals = 10_000;

/**
 * Keeps approvals in a file of the user's own. Throws `invalid_request` where that would lie in the repository, which could
 * then approve itself; rejects with `content_damaged` where it can't be read, and nothing counts as approved.
 */
export function createApprovalStore(
  file: string,
  { repository, what, onForget }: ApprovalStoreOptions,
): ApprovalStore {
  const within = relative(repository, file);
  if (within !== "" && within !== ".." && !within.startsWith(`..${sep}`)) {
    throw new MusterError("invalid_request", `${file} lies in the repository whose ${what} it approves.`, {
      hint: "Work in a folder below your home, not in the home itself: what lies there could approve itself.",
    });
  }
  const forget = async (source: string, name: string) => {
    const all = await read(file, what);
    const isTheirs = (one: Approval): boolean => one.source === source && one.name === name;
    for (const one of all.filter(isTheirs)) await onForget?.(one);
    return { others: all.filter((one) => !isTheirs(one)), hadAny: all.some(isTheirs) };
  };
  return {
    find: async (source, name, hash) =>
      (await read(file, what)).find((one) => one.source === source && one.name === name && one.hash === hash),
    of: async (source) => (await read(file, what)).filter((one) => one.source === source),
    approve: async ({ source, name, hash, group }) => {
      const { others } = await forget(source, name);
      const about = group === undefined ? {} : { group };
      const approval = {
        source,
        name,
        hash,
        id: randomUUID(),
        approvedAt: new Date().toISOString(),
        ...about,
      };
      await write(file, [...others, approval].slice(-mostApprovals));
    },
    revoke: async (source, name) => {
      const { others, hadAny } = await forget(source, name);
      if (hadAny) await write(file, others);
      return hadAny;
    },
  };
}

async function read(file: string, what: string): Promise<Approval[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  try {
    const { approvals } = JSON.parse(text) as { approvals: Approval[] };
    return approvals.filter(
      ({ source, name, hash, id }) =>
        [source, name, hash].every((one) => typeof one === "string") && /^[0-9a-f-]{36}$/.test(id),
    );
  } catch (error) {
    throw new MusterError("content_damaged", `${file} is damaged, so nothing counts as approved.`, {
      hint: `Delete it, and approve the ${what} again.`,
      cause: error,
    });
  }
}

async function write(file: string, approvals: readonly Approval[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify({ version: 1, approvals }, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, file);
}
