import type { JoinPolicy, TaskStatus } from "@muster/sdk/protocol";
import type { EventRow } from "../../core/queue/statements/events.ts";

/** What must be known of a task to judge its events. */
export interface JudgedTask {
  id: string;
  parent_id: string | null;
  join_policy: JoinPolicy;
  status: TaskStatus;
  needs: string[];
}

/** Something that must never happen. */
export interface Violation {
  rule: string;
  detail: string;
  /** The tasks to look at. */
  taskIds: string[];
}

/** A task while its events are read again from the first. */
interface Life {
  status: TaskStatus | null;
  /** The attempt goes on after waiting, so it may be settled before it is claimed. */
  resumed: boolean;
  completions: number;
}

/** Which events may come in which state, and the state that follows. The state machine of DESIGN, section 5. */
const moves: Record<string, Partial<Record<TaskStatus, TaskStatus>>> = {
  "task.ready": { blocked: "ready", waiting: "ready" },
  "task.started": { ready: "in_progress" },
  "task.waiting": { in_progress: "waiting" },
  "task.progress": { in_progress: "in_progress", waiting: "waiting" },
  "task.log": { in_progress: "in_progress", waiting: "waiting" },
  "task.retrying": { in_progress: "ready", waiting: "ready" },
  "task.completed": { in_progress: "completed", waiting: "completed" },
  "task.failed": { blocked: "failed", ready: "failed", in_progress: "failed", waiting: "failed" },
  "task.cancelled": {
    blocked: "cancelled",
    ready: "cancelled",
    in_progress: "cancelled",
    waiting: "cancelled",
  },
  "task.dead": { failed: "failed" },
  "task.dropped": { failed: "failed" },
  "task.retried": { failed: "ready", cancelled: "ready" },
};
/** What the holder of a resumed attempt may do before the attempt is handed out again. */
const whileResumed = new Set(["task.progress", "task.log", "task.retrying", "task.completed"]);

/** Told of tasks without changing their states. */
const beside = /^(lock|deadlock|budget)\.|^task\.raised$/;

const isOver = (status: TaskStatus | null | undefined): boolean =>
  status === "completed" || status === "failed" || status === "cancelled";

/**
 * Reads the events of all tasks again from the first and names whatever breaks a rule: the order of the state
 * machine, a start before the dependencies allow it, a second completion, a task and its events that disagree.
 */
export function checkEvents(events: readonly EventRow[], tasks: readonly JudgedTask[]): Violation[] {
  const violations: Violation[] = [];
  const known = new Map(tasks.map((task) => [task.id, task]));
  const lives = new Map<string, Life>();

  function blame(rule: string, event: EventRow, detail: string, others: string[] = []): void {
    const taskIds = [event.task_id as string, ...others];
    violations.push({ rule, detail: `${detail} (event ${event.seq}, ${event.type})`, taskIds });
  }

  function follow(event: EventRow, task: JudgedTask): void {
    const life = lives.get(task.id) ?? { status: null, resumed: false, completions: 0 };
    lives.set(task.id, life);
    if (event.type === "task.submitted") {
      if (life.status !== null) blame("legal order", event, "was submitted twice");
      life.status = event.data.status as TaskStatus;
      if (life.status === "ready") checkNeeds(event, task);
      return;
    }
    const from = life.status;
    const stays = life.resumed && from === "ready" && whileResumed.has(event.type);
    const to =
      from === null ? undefined : stays ? nextOf(event.type, "in_progress", from) : moves[event.type]?.[from];
    if (to === undefined) {
      blame("legal order", event, `came in state ${from}`);
      return;
    }
    if (event.type === "task.ready" && from === "blocked") checkNeeds(event, task);
    if (event.type === "task.retried" && task.join_policy === "all") checkNeeds(event, task);
    if (to === "completed" && ++life.completions > 1)
      blame("one result", event, "a second result was accepted");
    const onlyTold = event.type === "task.progress" || event.type === "task.log";
    life.resumed = event.type === "task.ready" ? from === "waiting" : life.resumed && onlyTold;
    life.status = to;
  }

  function checkNeeds(event: EventRow, task: JudgedTask): void {
    if (mayRun(task, (id) => lives.get(id)?.status)) return;
    const states = task.needs.map((id) => `${id} ${lives.get(id)?.status}`).join(", ");
    const detail = `may run by join policy ${task.join_policy} though it needs ${states}`;
    blame("no early start", event, detail, task.needs);
  }

  for (const event of events) {
    if (event.task_id === null || beside.test(event.type)) continue;
    const task = known.get(event.task_id);
    if (task === undefined) blame("nothing lost", event, "is about a task that is not there");
    else follow(event, task);
  }
  for (const task of tasks) {
    const life = lives.get(task.id);
    if (life?.status !== task.status) {
      const detail = `the task is ${task.status}, its events say ${life?.status}`;
      violations.push({ rule: "events and state agree", detail, taskIds: [task.id] });
    }
  }
  return violations;
}

/** Progress and log lines leave a resumed task where it is. */
function nextOf(type: string, as: TaskStatus, from: TaskStatus): TaskStatus | undefined {
  return type === "task.progress" || type === "task.log" ? from : moves[type]?.[as];
}

/** Whether a join policy lets a task run, given how far its dependencies are. */
function mayRun(
  task: { join_policy: JoinPolicy; needs: readonly string[] },
  statusOf: (id: string) => TaskStatus | null | undefined,
): boolean {
  const statuses = task.needs.map(statusOf);
  if (task.join_policy === "all") return statuses.every((status) => status === "completed");
  if (task.join_policy === "settled") return statuses.every(isOver);
  return statuses.length === 0 || statuses.includes("completed");
}
