import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, relative, sep } from "node:path";
import { MusterError } from "@muster/sdk";
import type { NamedMcpEntry } from "./read-mcp-file.ts";

/** What a person said about the servers that a file names. */
export interface Approvals {
  isApproved(source: string, server: NamedMcpEntry): Promise<boolean>;
  approve(source: string, server: NamedMcpEntry): Promise<void>;
  /** Takes back what was said of a server, however its entry looked then. Answers whether there was anything. */
  revoke(source: string, name: string): Promise<boolean>;
}

interface Approval {
  source: string;
  name: string;
  hash: string;
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
      hint: "Keep it in the home folder of the user.",
    });
  }
  const others = async (source: string, name: string): Promise<Approval[]> =>
    (await read(file)).filter((one) => one.source !== source || one.name !== name);
  return {
    isApproved: async (source, server) => {
      const hash = hashOf(server);
      return (await read(file)).some(
        (one) => one.source === source && one.name === server.name && one.hash === hash,
      );
    },
    approve: async (source, server) => {
      const approval = {
        source,
        name: server.name,
        hash: hashOf(server),
        approvedAt: new Date().toISOString(),
      };
      await write(file, [...(await others(source, server.name)), approval].slice(-mostApprovals));
    },
    revoke: async (source, name) => {
      const left = await others(source, name);
      const hadAny = left.length < (await read(file)).length;
      if (hadAny) await write(file, left);
      return hadAny;
    },
  };
}

/** Of the entry as it is written, not of what variables make of it: their values are secrets, and change. */
const hashOf = ({ name, entry }: NamedMcpEntry): string =>
  createHash("sha256").update(canonical({ name, entry })).digest("hex");

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(",")}}`;
}

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
    return approvals.filter(({ source, name, hash }) =>
      [source, name, hash].every((one) => typeof one === "string"),
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
