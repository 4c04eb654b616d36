import type { Memory } from "@muster/sdk/protocol";
import type { MemoryRow } from "../queue/statements/memories.ts";
import { isoTime, isoTimeOrNull } from "../task-view.ts";
import { placeOf } from "./spaces.ts";

/** A row as the world sees it. */
export const memoryOf = (row: MemoryRow): Memory => ({
  id: row.id,
  ...placeOf(row.space),
  text: row.text,
  metadata: row.metadata,
  createdAt: isoTime(row.created_at),
  updatedAt: isoTime(row.updated_at),
  createdBy: row.created_by,
  usedAt: isoTimeOrNull(row.used_at),
  uses: row.uses,
  expiresAt: isoTimeOrNull(row.expires_at),
  model: row.model,
});
