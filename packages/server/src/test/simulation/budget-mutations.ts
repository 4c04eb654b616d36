import type { Mutation } from "./mutations.ts";

/** Faults of budgets and schedules that the rules of the simulation must see. */
export const budgetMutations: readonly Mutation[] = [
  {
    fault: "what calls under way may cost is not set aside",
    statement: "write_accounts",
    from: "money_reserved = x.money_reserved,\n  token_reserved = x.token_reserved",
    to: "money_reserved = 0, token_reserved = 0",
    caughtBy: 23,
  },
  {
    fault: "spending is charged to the nearest budget only",
    statement: "read_budget_paths",
    from: "select unnest(path) from budget",
    to: "select id from budget",
    caughtBy: 5,
  },
  {
    fault: "tasks under a budget are not counted",
    statement: "count_tasks_made",
    from: "tasks_made + $2::int",
    to: "tasks_made + 0 * $2::int",
    caughtBy: 1,
  },
  {
    fault: "what is in progress under a budget is not counted",
    statement: "count_active",
    from: "x.path @> array[b.id] and t.status = 'in_progress'",
    to: "x.path @> array[b.id] and t.status = 'nothing'",
    caughtBy: 1,
  },
  {
    fault: "work is handed out under a reached budget",
    statement: "read_budget_paths",
    from: "b.reached, b.reached_at",
    to: "null::text as reached, b.reached_at",
    caughtBy: 1,
  },
  {
    fault: "tasks that a budget holds back are forgotten",
    statement: "release_held",
    from: "limit h.most for update",
    to: "limit h.most * 0 for update",
    caughtBy: 2,
  },
  {
    fault: "the end of a budget's time is not noticed",
    statement: "find_timed_out_budgets",
    from: "b.ends_at <= $1",
    to: "b.ends_at <= $1 - 3600000",
    caughtBy: 1,
  },
  {
    fault: "a dependent is handed on past its budget",
    statement: "complete",
    from: "t.status = 'blocked' and t.budget_id is null and",
    to: "t.status = 'blocked' and",
    caughtBy: 45,
  },
  {
    fault: "a schedule is not moved on by its first start",
    statement: "move_schedule",
    from: "next_at = $3::bigint, status",
    to: "next_at = case when started = 0 then next_at else $3::bigint end, status",
    caughtBy: 1,
  },
  {
    fault: "the work of a schedule is not handed in with its move",
    statement: "lock_schedule",
    torn: true,
    caughtBy: 36,
  },
  {
    fault: "schedules that are due are not found",
    statement: "find_due_schedules",
    from: "where next_at <= $1",
    to: "where next_at <= $1 - 3600000",
    caughtBy: 1,
  },
  {
    fault: "moments that wait for the work before them are forgotten",
    statement: "find_queued_schedules",
    from: "where s.queued > 0",
    to: "where s.queued > 1000",
    caughtBy: 45,
  },
];
