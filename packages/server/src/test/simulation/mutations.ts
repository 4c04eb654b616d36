import { createHash } from "node:crypto";
import type { Database, Statement } from "../../ports/database.ts";

/** Statements that complete tasks: many results, or one that comes alone. A fault of the one is put into both. */
export const completions: ReadonlySet<string> = new Set(["complete", "complete_one"]);

/** Replaces a statement by a broken one, to prove that the checks see it. */
export interface Rewrite {
  <Row>(statement: Statement<Row>): Statement<Row>;
  /** Transactions are committed after this statement, and what follows in them is each committed by itself. */
  commitsAfter?: string;
}

/** A fault put into core on purpose. */
export type Mutation = TextMutation | TornMutation;

interface BaseMutation {
  /** What is wrong with it. */
  fault: string;
  statement: string;
  /** A seed that shows it. Where a change of core moves that, the test looks for another. */
  caughtBy: number;
}

/** A piece of the statement's text is replaced. */
interface TextMutation extends BaseMutation {
  from: string;
  to: string;
}

/** What belongs into one transaction with the statement is no longer in it. */
interface TornMutation extends BaseMutation {
  torn: true;
}

/** Faults of the queue and of locks that the rules of the simulation must see. */
export const mutations: readonly Mutation[] = [
  {
    fault: "a result is accepted under any lease",
    statement: "complete",
    from: "and t.lease_token = i.token and",
    to: "and",
    caughtBy: 1,
  },
  {
    fault: "a report is settled under any lease",
    statement: "lock_live",
    from: "on t.id = i.id and t.lease_token = i.token",
    to: "on t.id = i.id",
    caughtBy: 5,
  },
  {
    fault: "dependents that came late are not released",
    statement: "release_dependents",
    from: "where e.id = any ($1::uuid[])",
    to: "where e.id = any ($1::uuid[]) and not e.late_dependents",
    caughtBy: 1,
  },
  {
    fault: "a dependent is released by the first of its dependencies",
    statement: "complete",
    from: "status = case when t.join_policy = 'any' or t.pending <= m.n then 'ready' else 'blocked' end",
    to: "status = 'ready'",
    caughtBy: 3,
  },
  {
    fault: "a join on all that have ended fires one too early",
    statement: "release_dependents",
    from: "then t.pending <= m.n\n      when t.join_policy = 'any'",
    to: "then t.pending <= m.n + 1\n      when t.join_policy = 'any'",
    caughtBy: 1,
  },
  {
    fault: "a retry is lost",
    statement: "retry_tasks",
    from: "ready_at = i.ready_at, delayed = i.ready_at > $2::bigint",
    to: "ready_at = null, delayed = i.ready_at is not null and $2::bigint > 0",
    caughtBy: 1,
  },
  {
    fault: "a cancel does not reach sub-tasks",
    statement: "find_children",
    from: "where parent_id",
    to: "where step = 'nothing' and parent_id",
    caughtBy: 5,
  },
  {
    fault: "an ended task can end again",
    statement: "end_tasks",
    from: "where t.status not in ('completed', 'failed', 'cancelled')",
    to: "where true",
    caughtBy: 2,
  },
  {
    fault: "a task is claimed in whatever state it is",
    statement: "claim",
    from: "t.status || '' = 'ready' and not t.delayed",
    to: "t.ended_at is null",
    caughtBy: 2,
  },
  {
    fault: "leases that ended are not found",
    statement: "find_overdue",
    from: "where lease_until <= $1",
    to: "where lease_until <= $1 - 3600000",
    caughtBy: 1,
  },
  {
    fault: "leases are prolonged beyond a lease",
    statement: "renew_leases",
    from: "least($3::bigint + $4::bigint,",
    to: "least($3::bigint + 2 * $4::bigint,",
    caughtBy: 1,
  },
  {
    fault: "an idempotency key is taken twice",
    statement: "take_keys",
    from: "do nothing",
    to: "do update set target_id = excluded.target_id",
    caughtBy: 1,
  },
  {
    fault: "finished steps are not recorded",
    statement: "write_journal",
    from: "and l.lease_token = i.token and l.entries < $3",
    to: "and l.lease_token <> i.token and l.entries < $3",
    caughtBy: 2,
  },
  {
    fault: "slots of an agent that comes back are not counted",
    statement: "list_held_by",
    from: "and agent_id = $1",
    to: "and agent_id = $1 and agent_id = ''",
    caughtBy: 1,
  },
  {
    fault: "a lock is granted while somebody has it",
    statement: "take_locks",
    from: "l.token is not null and l.expires_at > $3::bigint and",
    to: "l.token is not null and l.expires_at > $3::bigint + 3600000 and",
    caughtBy: 15,
  },
  {
    fault: "fences of locks do not grow",
    statement: "take_locks",
    from: "else nextval('lock_fence') end",
    to: "else greatest(l.fence, 1) end",
    caughtBy: 1,
  },
  {
    fault: "the fence of a lock that is handed over does not grow",
    statement: "hand_over_locks",
    from: "else nextval('lock_fence') end",
    to: "else l.fence end",
    caughtBy: 2,
  },
  {
    fault: "a lock stays with an attempt that is over",
    statement: "find_due_locks",
    from: "where l.task_id is not null and (t.id is null",
    to: "where l.task_id is not null and l.task_id is null and (t.id is null",
    caughtBy: 45,
  },
  {
    fault: "runs that a crash left between two steps are not found",
    statement: "stalled_runs",
    from: "where r.status = 'running'",
    to: "where r.status = 'nothing'",
    caughtBy: 5,
  },
];

/** Rare in the simulation; the scripts of the queue's model meet it. */
export const recountMutation: TextMutation = {
  fault: "a task that is retried by hand is not waited for again",
  statement: "retry_by_hand",
  from: "update task t set pending = t.pending + w.n",
  to: "update task t set pending = t.pending",
  caughtBy: 1,
};

/** A database whose statements are rewritten. */
export function createRewritingDatabase(inner: Database, rewrite: Rewrite): Database {
  return {
    ...inner,
    query: (statement, parameters) => inner.query(rewrite(statement), parameters),
    transaction: (work) =>
      inner.transaction((tx) =>
        work({ query: (statement, parameters) => tx.query(rewrite(statement), parameters) }),
      ),
  };
}

/** Puts the fault in. Throws where the text to replace is not there any more, so that no mutation goes stale. */
export function rewriteFor(mutation: Mutation): Rewrite {
  if ("torn" in mutation) {
    const same = <Row>(statement: Statement<Row>): Statement<Row> => statement;
    return Object.assign(same, { commitsAfter: mutation.statement });
  }
  return <Row>(statement: Statement<Row>): Statement<Row> => {
    const { name } = statement;
    const both = completions.has(name) && completions.has(mutation.statement);
    if (name !== mutation.statement && !both) return statement;
    const text = statement.text.replace(mutation.from, mutation.to);
    if (text === statement.text)
      throw new Error(`The mutation "${mutation.fault}" finds nothing to replace.`);
    // Another name, since a connection keeps a statement prepared under its name.
    const mark = createHash("sha256").update(text).digest("hex").slice(0, 8);
    return { name: `${statement.name}_broken_${mark}`, text };
  };
}
