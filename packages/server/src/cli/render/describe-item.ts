import type { InboxItem } from "@muster/sdk/protocol";
import type { CliContext } from "../cli-context.ts";
import { describeFields } from "./describe-fields.ts";
import { formatAge } from "./format-duration.ts";

/** Whom an item is for. */
export const whom = (to: InboxItem["to"]): string =>
  to === null ? "" : (to.person ?? `who can ${to.capability}`);

/** An item for a terminal: what agents wrote is made printable by what draws it. */
export function describeItem(context: CliContext, item: InboxItem, { withSchema = true } = {}): string {
  const json = (value: unknown) => JSON.stringify(value, null, 2);
  const hasInput =
    typeof item.input !== "object" || item.input === null || Object.keys(item.input).length > 0;
  return describeFields(context.stdout.colors, [
    ["task", item.taskId],
    ["kind", item.kind],
    [item.question === null ? "capability" : "question", item.question ?? item.capability],
    ["about", hasInput ? json(item.input) : null],
    ["for", whom(item.to)],
    ["escalated to", whom(item.escalatedTo)],
    ["claimed by", item.claimedBy],
    ["claimed until", item.claimedUntil],
    ["declined by", item.declinedBy.join(", ")],
    ["asked", formatAge(item.createdAt, context.now())],
    ["expires", item.expiresAt],
    ["asked by task", item.parentId],
    ["run", item.runId],
    ["answer", !withSchema || item.schema === null || item.kind === "approval" ? null : json(item.schema)],
  ]);
}
