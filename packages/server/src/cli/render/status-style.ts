import type { Colors } from "../cli-context.ts";
/** The colour of a status word: green where it is well, red where it is not, yellow where it moves. */
export function statusStyle(colors: Colors, status: string): (text: string) => string {
  if (["completed", "available", "promoted"].includes(status)) return colors.green;
  if (["failed", "offline", "revoked", "rolled_back"].includes(status)) return colors.red;
  if (["in_progress", "running", "busy", "waiting"].includes(status)) return colors.cyan;
  if (["cancelled", "aborted", "maintenance", "blocked", "skipped"].includes(status)) return colors.yellow;
  return (text) => text;
}
