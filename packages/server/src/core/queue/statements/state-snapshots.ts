import type { Statement } from "../../../ports/database.ts";

/**
 * All documents of a project at one moment, without their contents: those written last come first, so that whoever reads
 * the contents afterwards finds the versions that are overwritten soonest still in the history.
 * $1 tenant, $2 project, $3 prefix, $4 how many.
 */
export const listStateHeads: Statement<{ path: string; version: number; bytes: number }> = {
  name: "list_state_heads",
  text: `
select path, version, bytes from state_document
where tenant = $1 and project = $2 and starts_with(path, $3) and not deleted
order by written_at desc, path collate "C" limit $4`,
};

/** $1 now, $2 what happened, $3 tenant, $4 data. */
export const tellOfSnapshot: Statement<{ seq: number }> = {
  name: "tell_of_state_snapshot",
  text: `insert into event (at, type, tenant, data) values ($1::bigint, $2, $3, $4::json) returning seq`,
};
