import type { Statement } from "../../../ports/database.ts";

/** Which of these tasks and runs have ended. $1 ids. */
export const endedAmong: Statement<{ id: string }> = {
  name: "ended_among",
  text: `
select id from task where id = any ($1::uuid[]) and ended_at is not null
union all
select id from run where id = any ($1::uuid[]) and ended_at is not null`,
};
