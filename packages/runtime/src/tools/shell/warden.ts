import { type ProcessEntry, readProcessTable } from "./process-table.ts";

/** Looks at the processes of a command; it is told of all processes of the machine. */
export type Look = (table: readonly ProcessEntry[]) => void;

/** How often it looks, in milliseconds. */
const everyMs = 250;

const looks = new Set<Look>();
let timer: NodeJS.Timeout | undefined;

/**
 * Watches over the commands that run: one look at the table of processes serves all. Answers what ends the watch. Does
 * nothing where the system has no such table.
 */
export function watchProcesses(look: Look): () => void {
  looks.add(look);
  timer ??= setInterval(lookAtAll, everyMs);
  return () => {
    looks.delete(look);
    if (looks.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function lookAtAll(): void {
  const table = readProcessTable();
  for (const look of [...looks]) look(table);
}
