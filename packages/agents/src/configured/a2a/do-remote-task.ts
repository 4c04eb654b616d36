import type { Message } from "@a2a-js/sdk";
import type { TaskContext } from "@muster/sdk";
import { limits, MusterError } from "@muster/sdk/protocol";
import { type A2aAgent, configuredDefaults } from "../configured-agent.ts";
import { WorkError } from "../work-error.ts";
import { createWorkTimer, type WorkTimer } from "../work-timer.ts";
import type { Skill } from "./agent-card.ts";
import type { Remote } from "./card-source.ts";
import { type Following, look, readEvents, untilStill } from "./follow-remote-task.ts";
import { answerParts, partsFor, requestFor } from "./message-for.ts";
import { outputOf, partsOf } from "./output-of.ts";
import { asRemoteError } from "./remote-error.ts";
import { type Begun, createRemoteJournal, type RemoteJournal } from "./remote-journal.ts";
import { isFinal, isStill, type Snapshot, saidBy, snapshotOf } from "./snapshot.ts";

export interface RemoteWork {
  agent: A2aAgent;
  remote: Remote;
  skill: Skill;
  context: TaskContext;
}

interface Run extends RemoteWork {
  timer: WorkTimer;
  journal: RemoteJournal;
  following: Following;
  begun: Begun;
  /** The task of the remote agent that has not ended as far as is known. */
  open: string | undefined;
}

/** Questions that one remote task may ask. */
const mostRounds = 20;
/** How long telling a remote agent to stop may take. */
const cancelMs = 5_000;
/** The numbers of the protocol for who speaks. */
const roleUser = 1;

/**
 * Does a task by handing it to a remote agent and following what becomes of it there. The remote task's id is journaled:
 * the next attempt goes on with that, and sends nothing a second time. Where it can't be known whether a message was
 * taken, the task fails with `outcome_unknown`. What the remote agent asks, people are asked.
 */
export async function doRemoteTask(work: RemoteWork): Promise<unknown> {
  const { agent, context, remote } = work;
  const { timeoutMs } = { ...configuredDefaults, ...agent };
  const timer = createWorkTimer(context, timeoutMs, "The remote agent");
  const journal = createRemoteJournal(context);
  const run: Run = {
    ...work,
    timer,
    journal,
    begun: { nth: 0, is: "new" },
    open: undefined,
    following: { client: remote.client, signal: timer.signal, onSeen: (seen) => note(run, seen) },
  };
  try {
    run.begun = await journal.begin();
    return await conclude(run, await converse(run, await begin(run)));
  } catch (error) {
    throw await giveUp(run, error);
  } finally {
    timer.end();
  }
}

/** The remote task where an earlier attempt left it, or a new one. */
async function begin(run: Run): Promise<Snapshot> {
  const { begun, context, remote, skill } = run;
  if (begun.is === "known") {
    run.open = begun.id.taskId;
    const seen = await look(begun.id.taskId, remote.client, run.timer.signal);
    await note(run, seen);
    return seen;
  }
  if (begun.is === "new") {
    const parts = partsFor(context.input, remote.card, skill);
    return send(run, requestFor(parts, { messageId: messageId(run), role: roleUser, skill: skill.id }));
  }
  const found = await findSent(run);
  if (found === undefined) {
    throw new WorkError(
      "outcome_unknown",
      "An earlier attempt ended while it handed the task over, and the remote agent can't say whether it took it; it is not " +
        "sent a second time.",
      { retryable: false },
    );
  }
  await note(run, found);
  return found;
}

const messageId = ({ context, begun }: Run): string => `${context.taskId}-${begun.nth}`;

async function send(run: Run, request: ReturnType<typeof requestFor>): Promise<Snapshot> {
  const { client, way } = run.remote;
  const { signal } = run.timer;
  try {
    if (way.streams) return await sendStreaming(run, request);
    const seen = snapshotOf(await client.sendMessage(request, { signal }));
    await note(run, seen);
    return seen;
  } catch (error) {
    signal.throwIfAborted();
    throw asRemoteError(error);
  }
}

async function sendStreaming(run: Run, request: ReturnType<typeof requestFor>): Promise<Snapshot> {
  // Ends the connection, too, when enough was read of it.
  const enough = new AbortController();
  const signal = AbortSignal.any([run.timer.signal, enough.signal]);
  try {
    const events = run.remote.client.sendMessageStream(request, { signal });
    const seen = await readEvents(events, { state: "unknown", artifacts: [] }, run.following);
    if (seen.id !== undefined || isStill(seen)) return seen;
    throw new WorkError("invalid_answer", "The stream ended before it told of a task or a message.");
  } finally {
    enough.abort();
  }
}

/** Since 1.0 an agent can be asked for its tasks: the newest are looked through for the one of our message. */
async function findSent(run: Run): Promise<Snapshot | undefined> {
  const { remote, timer } = run;
  if (remote.way.protocolVersion === "0.3") return undefined;
  const query = { tenant: "", contextId: "", status: 0, pageSize: 100, pageToken: "", historyLength: 50 };
  const isOurs = ({ messageId: id }: Message): boolean => id === messageId(run);
  try {
    const { tasks } = await remote.client.listTasks(
      { ...query, statusTimestampAfter: undefined, includeArtifacts: false },
      { signal: timer.signal },
    );
    const found = tasks.find(({ history }) => history.some(isOurs));
    return found === undefined ? undefined : await look(found.id, remote.client, timer.signal);
  } catch {
    timer.signal.throwIfAborted();
    return undefined;
  }
}

/** Journals the task that a message became, and passes on what it says of itself. */
async function note(run: Run, seen: Snapshot): Promise<void> {
  if (seen.id !== undefined && run.open === undefined) {
    if (seen.id.taskId === "") throw new WorkError("invalid_answer", "The remote task has no id.");
    run.open = seen.id.taskId;
    await run.journal.found(run.begun.nth, seen.id);
  }
  if (isFinal(seen)) run.open = undefined;
  const said = saidBy(seen);
  if (!isFinal(seen) && seen.state !== "unknown")
    run.context.progress(0, (said === "" ? seen.state : said).slice(0, limits.reasonLength));
}

/** Follows the task to its end, and carries questions to people and answers back. */
async function converse(run: Run, first: Snapshot): Promise<Snapshot> {
  let seen = await untilStill(first, run.following);
  for (let round = await run.journal.answered(run.begun.nth); !isFinal(seen); round++) {
    if (seen.state === "auth-required")
      throw needsSomebody("auth_required", "wants to be signed in to", seen);
    if (run.agent.questions === "refuse") throw needsSomebody("input_required", "asks", seen);
    if (round >= mostRounds)
      throw needsSomebody("too_many_questions", `asked ${mostRounds} times, and asks`, seen);
    const answer = await ask(run, seen, round);
    const request = requestFor(answerParts(answer), {
      messageId: `${messageId(run)}-${round}`,
      role: roleUser,
      skill: run.skill.id,
      ...(seen.id === undefined ? {} : { id: seen.id }),
    });
    const next = await send(run, request);
    await run.journal.noteAnswer(run.begun.nth, round);
    seen = await untilStill(next, run.following);
  }
  return seen;
}

function ask(run: Run, seen: Snapshot, round: number): Promise<unknown> {
  const { agent, context, timer, begun } = run;
  const said = saidBy(seen) || "It needs input to go on, and does not say which.";
  // The same place in the talk can come with another question when an answer had arrived after all.
  const key = `a2a:ask:${begun.nth}:${round}:${(seen.message?.messageId ?? "").slice(0, 100)}`;
  const text = `${agent.name} asks: ${said}`.slice(0, limits.textLength);
  return timer.still(() => context.ask(text, undefined, { key }));
}

const needsSomebody = (code: string, what: string, seen: Snapshot): WorkError =>
  new WorkError(code, `The remote agent ${what}: ${saidBy(seen) || "(it does not say what)"}`, {
    retryable: false,
  });

async function conclude(run: Run, seen: Snapshot): Promise<unknown> {
  const { context, agent, journal, begun } = run;
  if (seen.state === "completed") {
    const made = partsOf(seen.artifacts);
    const { maxOutputBytes } = { ...configuredDefaults, ...agent };
    return outputOf(made.length > 0 ? made : (seen.message?.parts ?? []), context, maxOutputBytes);
  }
  await journal.over(begun.nth);
  const said = saidBy(seen);
  const message = `The remote agent ended its task as ${seen.state}${said === "" ? "." : `: ${said}`}`;
  throw new WorkError(
    `remote_${seen.state}`,
    message.slice(0, limits.textLength),
    seen.state === "failed" ? {} : { retryable: false },
  );
}

/** What the attempt fails with. A remote task that nobody will come back to is told to stop. */
async function giveUp(run: Run, error: unknown): Promise<unknown> {
  const { context, timer, journal, begun } = run;
  if (context.signal.aborted) {
    if (isCancelled(context.signal.reason)) await stop(run);
    return context.signal.reason;
  }
  if (timer.isUp) {
    const stopped = await stop(run);
    if (stopped && begun.nth > 0) await journal.over(begun.nth);
    const { message } = timer.signal.reason as Error;
    // What can't be stopped must not be begun again beside it.
    return new WorkError("timeout", message, stopped ? {} : { retryable: false });
  }
  if (!(error instanceof WorkError) || error.retryable === false) await stop(run);
  if (error instanceof WorkError && (error.refused ? run.open === undefined : error.code === "remote_lost"))
    if (begun.nth > 0) await journal.over(begun.nth);
  return error;
}

/** The attempt was taken away because nobody wants the task any more; else the next one goes on with it. */
const isCancelled = (reason: unknown): boolean =>
  reason instanceof MusterError && reason.details?.reason === "cancelled";

/** Tells the remote agent to stop; true where nothing goes on there. */
async function stop(run: Run): Promise<boolean> {
  const { open } = run;
  if (open === undefined) return run.begun.is === "known";
  try {
    const signal = AbortSignal.timeout(cancelMs);
    const ended = await run.remote.client.cancelTask(
      { tenant: "", id: open, metadata: undefined },
      { signal },
    );
    return isFinal(snapshotOf(ended));
  } catch {
    return false;
  }
}
