import type { Event } from "@muster/sdk/protocol";
import type { Colors } from "../cli-context.ts";

import { cutText } from "./fit-line.ts";
import { printable } from "./printable.ts";

/** Members of an event's data that read well on one line, in this order. */
const told = [
  "step",
  "capability",
  "agent",
  "name",
  "status",
  "attempt",
  "weight",
  "level",
  "fraction",
  "message",
  "cause",
  "by",
  "reason",
];
const longestLine = 400;

/** One event on one line: number, time, what happened, to what, and what is worth knowing of it. */
export function describeEvent(event: Event, colors: Colors): string {
  const time = event.at.slice(11, 23);
  const about = [
    event.taskId && `task ${event.taskId}`,
    !event.taskId && event.runId && `run ${event.runId}`,
  ];
  if (!event.taskId && !event.runId && event.agentId) about.push(`agent ${event.agentId}`);
  const words = about.filter((word) => typeof word === "string").join(" ");
  const detail = cutText(printable(detailOf(event)), longestLine);
  return `${colors.dim(`${event.seq} ${time}`)} ${typeStyle(event.type, colors)(event.type)} ${words}${detail === "" ? "" : ` ${colors.dim(detail)}`}`;
}

function detailOf({ data }: Event): string {
  const parts: string[] = [];
  for (const member of told) {
    const value = data[member];
    if (typeof value === "string" || typeof value === "number") parts.push(`${member}=${value}`);
  }
  for (const member of ["error", "cause"]) {
    const error = data[member] as { code?: unknown; message?: unknown } | null | undefined;
    if (error?.message !== undefined) parts.push(`${member}=${String(error.code)}: ${String(error.message)}`);
  }
  return parts.join(" ");
}

function typeStyle(type: string, colors: Colors): (text: string) => string {
  if (type.endsWith("completed") || type === "breaker.closed") return colors.green;
  if (type === "breaker.opened") return colors.red;
  if (type.endsWith("failed") || type.endsWith("rolled_back") || type.endsWith("expired")) return colors.red;
  if (type.endsWith("cancelled") || type.endsWith("retrying")) return colors.yellow;
  return colors.cyan;
}
