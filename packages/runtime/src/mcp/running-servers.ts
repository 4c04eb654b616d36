import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { McpState } from "./create-mcp-hub.ts";

/** What one process says of the servers that it runs. */
export interface RunningServers {
  pid: number;
  servers: readonly McpState[];
}

const mostFiles = 1_000;
const mostBytes = 4 * 1024 * 1024;
const mostTools = 100;
const mostNotes = 20;

/**
 * Tells other processes of this user, in a folder that is theirs alone, which servers this one runs. It is for people to
 * look at: nothing is decided by it.
 */
export function tellRunning(folder: string, pid: number, states: readonly McpState[]): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const servers = states.map((one) => ({
    ...one,
    tools: one.tools.slice(0, mostTools),
    notes: one.notes.slice(0, mostNotes),
  }));
  writeFileSync(fileOf(folder, pid), JSON.stringify({ pid, servers }), { mode: 0o600 });
}

export function tellNoMore(folder: string, pid: number): void {
  rmSync(fileOf(folder, pid), { force: true });
}

/** What living processes say; what dead ones left behind is removed. */
export function readRunning(folder: string, isAlive: (pid: number) => boolean): RunningServers[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => /^\d{1,10}\.json$/.test(name));
  } catch {
    return [];
  }
  return names.slice(0, mostFiles).flatMap((name) => {
    const pid = Number.parseInt(name, 10);
    if (!isAlive(pid)) {
      tellNoMore(folder, pid);
      return [];
    }
    try {
      const text = readFileSync(fileOf(folder, pid), "utf8");
      const { servers } = JSON.parse(text.slice(0, mostBytes)) as RunningServers;
      return Array.isArray(servers) ? [{ pid, servers }] : [];
    } catch {
      return [];
    }
  });
}

const fileOf = (folder: string, pid: number): string => join(folder, `${pid}.json`);
