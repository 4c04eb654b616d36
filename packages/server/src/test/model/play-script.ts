import type { Message, TaskAssignment, TaskSubmission } from "@muster/sdk/protocol";
import { MusterError } from "@muster/sdk/protocol";
import type { Orchestrator } from "../../core/orchestrator.ts";
import type { EventRow } from "../../core/queue/statements/events.ts";
import type { Database } from "../../ports/database.ts";
import { root, someone } from "../orchestrate.ts";
import { checkEvents } from "../simulation/event-rules.ts";
import type { Rewrite } from "../simulation/mutations.ts";
import { readJudgedTasks, readWholeLog } from "../simulation/read-log.ts";
import type { SimulatedClock } from "../simulation/simulated-clock.ts";
import { loneOrchestrator } from "./lone-orchestrator.ts";
import { QueueModel, type TaskPlan } from "./queue-model.ts";
import { type Command, offsetOf } from "./scripts.ts";

const leaseMs = 10_000;
const heartbeatMs = 3_000;
const second = 1_000;
/** The model knows the queue alone: the one agent, which does what the script says, is never set aside for it. */
const breaker = { failures: 10_000, timeoutsInARow: null };

/** A task of the script on the real queue. */
interface Played {
  id: string;
  accepted: number;
}

/**
 * Plays a script on the real queue and on the model in step, and throws at the first difference. The queue runs
 * on a simulated clock with one agent that has room for everything and does what the script says.
 */
export async function playScript(
  inner: Database,
  script: readonly Command[],
  rewrite: Rewrite = (statement) => statement,
): Promise<void> {
  const policy = { minHealthScore: 0, maxLoadRatio: 1 };
  const settings = { leaseMs, heartbeatMs, policy, breaker };
  const { orchestrator, database, clock } = await loneOrchestrator(inner, settings, rewrite);
  const startAt = clock.now();
  const model = new QueueModel(startAt, leaseMs);
  const played: Played[] = [];
  await orchestrator.start();
  await startScriptedAgent(orchestrator, clock, model, played);

  let at = startAt;
  for (const [k, command] of script.entries()) {
    at += command.afterMs;
    await moveTo(at + offsetOf(k));
    await compare(`before command ${k}`);
    await apply(command);
    await compare(`after command ${k}`);
  }
  for (let end = model.settledAt(); end > clock.now(); end = model.settledAt()) {
    await moveTo(end);
    await compare("on the way to the end");
  }
  await checkAtEnd();
  const stopped = orchestrator.stop();
  await clock.advance(0);
  await stopped;

  async function moveTo(moment: number): Promise<void> {
    await clock.advance(moment - clock.now());
    model.advanceTo(moment);
  }

  async function apply(command: Command): Promise<void> {
    if (command.kind === "submit") {
      model.submit(command.tasks);
      await submit(command.tasks, command.backwards);
    } else {
      const expected = model[command.kind](command.task);
      const given = await isAccepted(orchestrator.tasks[command.kind](played[command.task]!.id, someone));
      if (given !== expected)
        throw new Error(
          `A ${command.kind} of task ${command.task}: the model says ${expected}, the queue ${given}.`,
        );
    }
    await clock.advance(0);
  }

  async function submit(plans: readonly TaskPlan[], backwards: boolean): Promise<void> {
    const first = played.length;
    const submissions = plans.map((plan, index) => submissionOf(plan, first + index, first, played));
    const submitted = await orchestrator.tasks.submit(
      backwards ? submissions.toReversed() : submissions,
      someone,
    );
    const inOrder = backwards ? submitted.toReversed() : submitted;
    for (const { id } of inOrder) played.push({ id, accepted: 0 });
  }

  async function compare(when: string): Promise<void> {
    const rows = new Map((await readJudgedTasks(database)).map((task) => [task.id, task]));
    for (const [place, task] of model.tasks.entries()) {
      const row = rows.get(played[place]!.id);
      const real = `${row?.status} after ${row?.attempt} attempts`;
      const expected = `${task.status} after ${task.attempt} attempts`;
      if (real === expected) continue;
      const seconds = (clock.now() - startAt) / second;
      throw new Error(`Task ${place} ${when} (${seconds} s): the model says ${expected}, the queue ${real}.`);
    }
  }

  async function checkAtEnd(): Promise<void> {
    const tasks = await readJudgedTasks(database);
    const events: EventRow[] = await readWholeLog(database);
    const [violation] = checkEvents(events, tasks);
    if (violation !== undefined)
      throw new Error(`${violation.rule}: task ${violation.taskIds[0]} ${violation.detail}`);
    for (const [place, task] of played.entries()) {
      const expected = model.tasks[place]!.status === "completed" ? 1 : 0;
      if (task.accepted !== expected)
        throw new Error(`${task.accepted} results of task ${place} were accepted, not ${expected}.`);
    }
  }
}

function submissionOf(
  plan: TaskPlan,
  place: number,
  first: number,
  played: readonly Played[],
): TaskSubmission {
  return {
    ref: `task ${place}`,
    capability: "play",
    input: place,
    join: plan.join,
    dependsOn: plan.needs.map((need) => (need >= first ? `task ${need}` : played[need]!.id)),
    retry: {
      maxAttempts: plan.maxAttempts,
      delayMs: plan.retryDelayMs,
      factor: 2,
      maxDelayMs: 3_600_000,
      jitter: 0,
    },
    timeoutMs: plan.timeoutMs,
    delayMs: plan.delayMs,
    ...(plan.deadlineMs === null ? {} : { deadlineMs: plan.deadlineMs }),
  };
}

async function startScriptedAgent(
  { gateway }: Orchestrator,
  clock: SimulatedClock,
  model: QueueModel,
  played: readonly Played[],
): Promise<void> {
  const registration = { name: "player", maxConcurrency: 1_000, capabilities: [{ name: "play" }] };
  const { agentId } = await gateway.register(registration, root, receive);
  beat();

  /** Signs of life that leave leases alone: a silent attempt loses its own. */
  function beat(): void {
    clock.setTimer(heartbeatMs, () => {
      void gateway.request(agentId, "heartbeat", {});
      beat();
    });
  }

  function receive(message: Message): void {
    if (message.type !== "task_request") return;
    const { taskId, leaseToken, input, attempt } = message.payload as TaskAssignment;
    const place = input as number;
    const { outcomes, durationMs } = model.tasks[place]!.plan;
    const outcome = outcomes[attempt - 1] ?? "ok";
    if (outcome === "silent") return;
    const isGood = outcome === "ok" || outcome === "twice";
    const told = isGood
      ? { status: "completed", output: attempt }
      : { status: "failed", error: { code: "scripted", message: "as told", retryable: outcome === "fail" } };
    const report = async () => {
      const accepted = await isAccepted(
        gateway.request(agentId, "settle", { taskId, leaseToken, outcome: told }),
      );
      if (accepted && isGood) played[place]!.accepted += 1;
    };
    clock.setTimer(durationMs, () => {
      void report();
      if (outcome === "twice") void report();
    });
  }
}

/** False where it was refused by a rule; everything else that goes wrong is thrown. */
async function isAccepted(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    const refusals = ["not_cancellable", "not_retryable", "lease_lost"];
    if (error instanceof MusterError && refusals.includes(error.code)) return false;
    throw error;
  }
}
