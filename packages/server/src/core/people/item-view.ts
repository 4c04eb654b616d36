import type { InboxItem } from "@muster/sdk/protocol";
import type { ItemRow } from "../queue/statements/inbox.ts";
import type { PersonRow } from "../queue/statements/people.ts";
import { isoTime, isoTimeOrNull, priorityName } from "../task-view.ts";
import { answerSchema } from "./inbox-acts.ts";
import { addresseeOf, escalatedTo } from "./inbox-moves.ts";

export const itemView = (row: ItemRow, people: readonly PersonRow[]): InboxItem => ({
  taskId: row.task_id,
  tenant: row.tenant,
  kind: row.kind,
  question: row.question,
  schema: answerSchema(row, people),
  capability: row.kind === "task" ? row.capability : null,
  to: addresseeOf(row),
  escalatedTo: escalatedTo(row),
  priority: priorityName(row.priority),
  input: row.input,
  runId: row.run_id,
  parentId: row.parent_id,
  claimedBy: row.claimed_by,
  claimedUntil: isoTimeOrNull(row.claimed_until),
  declinedBy: row.declined,
  reminders: row.reminders,
  expiresAt: isoTimeOrNull(row.expires_at),
  createdAt: isoTime(row.created_at),
});
