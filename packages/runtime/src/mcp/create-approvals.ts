import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { canonical } from "../approvals/canonical.ts";
import { createApprovalStore } from "../approvals/create-approval-store.ts";
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

/**
 * Keeps approvals in a file of the user's own. An approval is for one entry, as it stands in one file: another command,
 * argument, variable or address is another entry, and asks again. It is not for what the command does: who approves
 * `node server.js` trusts whoever can change that script. `source` is the absolute path of the file that names the
 * server. Throws `invalid_request` where the file would lie in the repository, which could then approve itself.
 */
export function createApprovals(file: string, repository: string): Approvals {
  const printsOf = (id: string): string => join(dirname(file), "tools", `${id}.json`);
  const store = createApprovalStore(file, {
    repository,
    what: "servers",
    // What was noted of its tools goes with it.
    onForget: ({ id }) => rm(printsOf(id), { force: true }),
  });
  const find = (source: string, server: NamedMcpEntry) => store.find(source, server.name, hashOf(server));
  return {
    isApproved: async (source, server) => (await find(source, server)) !== undefined,
    idOf: async (source, server) => (await find(source, server))?.id ?? null,
    approve: (source, server) => store.approve({ source, name: server.name, hash: hashOf(server) }),
    revoke: (source, name) => store.revoke(source, name),
    toolsOf: async (source, server, now) => {
      const approval = await find(source, server);
      return approval === undefined ? new Map() : keepFirst(printsOf(approval.id), now);
    },
  };
}

/** Of the entry as it is written, not of what variables make of it: their values are secrets, and change. */
export const hashOf = ({ name, entry }: NamedMcpEntry): string =>
  createHash("sha256").update(canonical({ name, entry })).digest("hex");
