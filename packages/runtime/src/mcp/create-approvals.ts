import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { MusterError } from "@muster/sdk";
import { canonical } from "./canonical.ts";
import { keepFirst, type ToolPrints } from "./keep-first.ts";
import type { NamedMcpEntry } from "./read-mcp-file.ts";

/** What a person said about the servers that a file names. */
export interface Approvals {
  isApproved(source: string, server: NamedMcpEntry): Promise<boolean>;
  /** The approval of a server as it stands; null where there is none. Approving again makes another one. */
  idOf(source: string, server: NamedMcpEntry): Promise<string | null>;
  approve(source: string, server: NamedMcpEntry): Promise<void>;
  /** Takes back what was said of a server, however its entry looked then. Answers whether there was anything. */
  revoke(source: string, name: string): Promise<boolean>;
  /**
   * How the tools of an approved server looked when it was first used after its approval, as fingerprints by name. The
   * first call notes `now`; from then on that is what was approved, until a person approves the server again.
   */
  toolsOf(source: string, server: NamedMcpEntry, now: ToolPrints): Promise<ToolPrints>;
}

interface Approval {
  source: string;
  name: string;
  hash: string;
  id: string;
  approvedAt: string;
}

const mostApprovals = 10_000;

/**
 * Keeps approvals in a file of the user's own. An approval is for one entry, as it stands in one file: another command,
 * argument, variable or address is another entry, and asks again. It is not for what the command does: who approves
 * `node server.js` trusts whoever can change that script. `source` is the absolute path of the file that names the
 * server. Throws `invalid_request` where the file would lie in the repository, which could then approve itself.
 */
export function createApprovals(file: string, repository: string): Approvals {
  const within = relative(repository, file);
  if (within !== "" && within !== ".." && !within.startsWith(`..${sep}`)) {
    throw new MusterError("invalid_request", `${file} lies in the repository whose servers it approves.`, {
      hint: "Work in a folder below your home, not in the home itself: what lies there could approve itself.",
    });
  }
  const find = async (source: string, server: NamedMcpEntry): Promise<Approval | undefined> => {
    const hash = hashOf(server);
    return (await read(file)).find(
      (one) => one.source === source && one.name === server.name && one.hash === hash,
    );
  };
  /** Takes what was said of a server out of the file; what was noted of its tools goes with it. */
  const forget = async (source: string, name: string): Promise<{ others: Approval[]; hadAny: boolean }> => {
    const all = await read(file);
    const isTheirs = (one: Approval): boolean => one.source === source && one.name === name;
    for (const { id } of all.filter(isTheirs)) await rm(printsOf(file, id), { force: true });
    return { others: all.filter((one) => !isTheirs(one)), hadAny: all.some(isTheirs) };
  };
  return {
    isApproved: async (source, server) => (await find(source, server)) !== undefined,
    idOf: async (source, server) => (await find(source, server))?.id ?? null,
    approve: async (source, server) => {
      const { others } = await forget(source, server.name);
      const approval = {
        source,
        name: server.name,
        hash: hashOf(server),
        id: randomUUID(),
        approvedAt: new Date().toISOString(),
      };
      await write(file, [...others, approval].slice(-mostApprovals));
    },
    revoke: async (source, name) => {
      const { others, hadAny } = await forget(source, name);
      if (hadAny) await write(file, others);
      return hadAny;
    },
    toolsOf: async (source, server, now) => {
      const approval = await find(source, server);
      return approval === undefined ? new Map() : keepFirst(printsOf(file, approval.id), now);
    },
  };
}

const printsOf = (file: string, id: string): string => join(dirname(file), "tools", `${id}.json`);

/** Of the entry as it is written, not of what variables make of it: their values are secrets, and change. */
export const hashOf = ({ name, entry }: NamedMcpEntry): string =>
  createHash("sha256").update(canonical({ name, entry })).digest("hex");

async function read(file: string): Promise<Approval[]> {
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
      hint: "Delete it, and approve the servers again.",
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
