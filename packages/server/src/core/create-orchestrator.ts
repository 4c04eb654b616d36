import { limits } from "@muster/sdk/protocol";
import type { AgentRecord, AgentRegistry } from "../ports/agent-registry.ts";
import type { Backups } from "../ports/backups.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Cache } from "../ports/cache.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { Embedder } from "../ports/embedder.ts";
import type { Ids } from "../ports/ids.ts";
import type { Locks } from "../ports/locks.ts";
import type { Log } from "../ports/log.ts";
import type { MessageBus } from "../ports/message-bus.ts";
import type { Metrics } from "../ports/metrics.ts";
import type { Random } from "../ports/random.ts";
import type { Signals } from "../ports/signals.ts";
import type { Aftermath, Announce } from "./aftermath.ts";
import { createArtifactService } from "./artifacts/artifact-service.ts";
import { type BackupSettings, createBackupService } from "./backup/backup-service.ts";
import { type Budgets, createBudgets } from "./budgets/create-budgets.ts";
import { createSettle } from "./completion/settle.ts";
import { type Coordinator, createCoordinator } from "./coordinator.ts";
import { createDoors, type Doors } from "./create-doors.ts";
import { createDeadLetterService } from "./dead-letters/dead-letter-service.ts";
import { createDeadlockWatch, type DeadlockPolicy, type DeadlockWatch } from "./deadlocks/deadlock-watch.ts";
import { createAgentService } from "./discovery/agent-service.ts";
import { createDirectory } from "./discovery/directory.ts";
import { createMeaningsOfTexts } from "./discovery/meanings-of-texts.ts";
import { type DiscoveryPolicy, defaultPolicy } from "./discovery/rank.ts";
import { createDispatcher, type Dispatcher } from "./dispatch/dispatcher.ts";
import { hearDispatch, lookForWork } from "./dispatch/hear-dispatch.ts";
import { createEventFeed } from "./events/event-feed.ts";
import { createWaiters, type Waiters } from "./events/waiters.ts";
import { createExplain } from "./explain/explain.ts";
import { createAgentLife } from "./gateway/agent-life.ts";
import type { NextTurn } from "./group.ts";
import { createSubmit } from "./intake/submit-tasks.ts";
import { createLockService, type Locking } from "./locks/lock-service.ts";
import { createMemory, type Memory } from "./memory/create-memory.ts";
import { createNodeService } from "./nodes/node-service.ts";
import type { Orchestrator } from "./orchestrator.ts";
import { createCountAutonomy } from "./people/count-autonomy.ts";
import { createInboxService } from "./people/inbox-service.ts";
import { createPersonService } from "./people/person-service.ts";
import { type BreakerPolicy, defaultBreakerPolicy } from "./resilience/breaker.ts";
import { createBreakerService } from "./resilience/breaker-service.ts";
import { createBreakers } from "./resilience/breakers.ts";
import { createRetryBudgets } from "./resilience/retry-budgets.ts";
import { createRetryPolicyService } from "./resilience/retry-policy-service.ts";
import { createRollouts, withNotes } from "./rollouts/create-rollouts.ts";
import type { Judge } from "./rollouts/judge-rollouts.ts";
import type { RolloutBoard } from "./rollouts/rollout-board.ts";
import { createRolloutService } from "./rollouts/rollout-service.ts";
import { createRunService } from "./runs/run-service.ts";
import { createFireSchedules } from "./schedules/fire-schedules.ts";
import { createStreamService } from "./streams/stream-service.ts";
import { createStreams, type Streams } from "./streams/streams.ts";
import { createTaskService } from "./tasks/task-service.ts";
import { createFireTriggers } from "./triggers/fire-triggers.ts";
import { createRounds } from "./upkeep/create-rounds.ts";
import { createUpkeep, type Upkeep } from "./upkeep/upkeep.ts";

/** What core needs from outside. */
export interface OrchestratorPorts {
  database: Database;
  bus: MessageBus;
  registry: AgentRegistry;
  blobs: BlobStore;
  /** Left out where nothing can be backed up. */
  backups?: Backups;
  clock: Clock;
  random: Random;
  ids: Ids;
  log: Log;
  /** What other nodes say; left out where there are none. */
  signals?: Signals;
  /** Mutual exclusion over all nodes; left out where there is one. */
  locks?: Locks;
  /** What nodes share for a while; left out where there is one. */
  cache?: Cache;
  embedder?: Embedder;
  /** Told of numbers that operators watch. */
  metrics?: Metrics;
  /** Groups calls of the same moment by it; without one, by turns of the microtask queue. */
  nextTurn?: NextTurn;
}

export interface OrchestratorSettings {
  /** An agent that is silent for this long loses its tasks. */
  leaseMs?: number;
  heartbeatMs?: number;
  /** How long a lost connection may take to come back. */
  graceMs?: number;
  /** How long ended work and events are kept. */
  retentionMs?: number;
  /** How long tasks that failed for good are kept as dead letters; 30 days, or `retentionMs` where that is longer. */
  deadRetentionMs?: number;
  policy?: DiscoveryPolicy;
  /** What is done about tasks that wait for each other; the youngest gives way by default. */
  deadlocks?: DeadlockPolicy;
  /** When breakers of agents open, and for how long. */
  breaker?: Partial<BreakerPolicy>;
  /** Bytes of one artifact; 1 GiB by default. */
  artifactBytes?: number;
  artifactRetentionMs?: number;
  /** When backups are made by themselves, and which are kept. */
  backup?: Partial<BackupSettings>;
}

/** Puts the parts of core together, in the order of dependence; the coordinator closes the circle. */
export function createOrchestrator(
  ports: OrchestratorPorts,
  settings: OrchestratorSettings = {},
): Orchestrator {
  const { leaseMs = 10_000, heartbeatMs = Math.floor(leaseMs / 3), graceMs = 5_000 } = settings;
  const { policy = defaultPolicy } = settings;
  const { database, clock, log, registry } = ports;

  let act: Announce = () => {};
  const announce = (aftermath: Aftermath): void => act(aftermath);
  const base = { ...ports, announce, similaritiesTo: createMeaningsOfTexts(ports) };

  const waiters = createWaiters(database, clock);
  const feed = createEventFeed(database, clock, log);
  const breakers = createBreakers({ ...base, policy: { ...defaultBreakerPolicy, ...settings.breaker } });
  const { board, seating, judgeWith } = createRollouts(base);
  const directory = createDirectory(registry, clock, policy, breakers, board);
  const submit = createSubmit({ ...base, seat: board.seat });
  const judge = judgeWith(submit);
  const onStopped = (ids: readonly string[]): void => spending.lookAgain(ids);
  const heard = hearDispatch(announce, log, (report) => settle(report));
  const sent = { leaseMs, shared: ports.signals !== undefined, ...heard, onStopped, seating };
  const dispatcher = createDispatcher({ ...base, directory, breakers, ...sent });
  const mayGoOn = (agent: AgentRecord) => dispatcher.isRunning() && directory.mayGoOn(agent);
  const budgets = createRetryBudgets(base);
  const outcomes = withNotes(directory, judge);
  const settle = createSettle({ ...base, outcomes, budgets, breakers, mayGoOn, leaseMs });
  const onJoined = lookForWork(dispatcher, log);
  const life = createAgentLife({ ...base, settle, leaseMs, onJoined });
  const { locking, deadlocks } = createLocking(base, settings);
  const runs = createRunService({ ...base, submit, waiters });
  const spending: Budgets = createBudgets({ ...base, advanceRuns: runs.advance });
  const backups = createBackupService({ ...base, settings: settings.backup ?? {} });
  const [memory, streams] = [createMemory(base), createStreams(base)];
  const keepers = { settle, dispatcher, budgets, spending, life, breakers, locking, deadlocks, memory };
  const upkeep = createUpkeep({
    ...base,
    ...keepers,
    waiters,
    findStalledRuns: runs.findStalled,
    ...createStarters({ ...base, submit, latest: feed.service.latest }),
    ...createRounds({ ...base, ...settings }),
    rollouts: { reload: board.reload, look: judge.look, lookAtDue: judge.lookAtDue },
    beginBackup: backups.tick,
  });
  const told = { ...keepers, directory, feed, waiters, upkeep, streams };
  const coordinator = createCoordinator({ ...base, ...told, advanceRuns: runs.advance });
  act = coordinator.announce;

  const offered = { events: feed.service, memories: memory.service };
  const made = { streams, leaseMs, heartbeatMs, graceMs, submit, settle, life, locking, ...offered };
  const doors = createDoors({ ...base, ...spending.doors, ...made });
  const explain = createExplain({ ...base, policy, breakers, rollouts: board });

  return {
    ...withStreams(streams, runs.service, { ...base, submit, waiters, schemas: doors.schemas, explain }),
    agents: createAgentService({ ...base, life, policy, breakers }),
    gateway: doors.door.gateway,
    ...offered,
    ...keptAside({ ...base, breakers }, settings, { runs, backups, locks: locking }),
    ...doors.kept,
    rollouts: createRolloutService({ ...base, board, judge }),
    ...lifeCycle({ ...ports, ...told, ...doors, coordinator, runs, backups, board, judge, onJoined }),
  };
}

/** Tasks, and what is said at work on them. */
function withStreams(
  streams: Streams,
  runs: Orchestrator["runs"],
  deps: Parameters<typeof createTaskService>[0],
): Pick<Orchestrator, "tasks" | "streams"> {
  const tasks = createTaskService(deps);
  return { tasks, streams: createStreamService(streams, tasks, runs) };
}

/** What hands in work by itself, at times and on events, and what counts the ends of work. */
const createStarters = (deps: Parameters<typeof createFireTriggers>[0]) => ({
  schedules: createFireSchedules(deps),
  triggers: createFireTriggers(deps),
  autonomy: createCountAutonomy(deps),
});

function createLocking(base: Parameters<typeof createLockService>[0], { deadlocks }: OrchestratorSettings) {
  const locking = createLockService(base);
  const policy = deadlocks ?? "fail-youngest";
  return { locking, deadlocks: createDeadlockWatch({ ...base, locking, policy }) };
}

/** What has no part in the way of a task. */
const keptAside = (
  base: OrchestratorPorts & Parameters<typeof createBreakerService>[0],
  { artifactBytes = limits.artifactBytes }: OrchestratorSettings,
  others: { [Part in "runs" | "backups" | "locks"]: { service: Orchestrator[Part] } },
) => ({
  people: createPersonService(base),
  inbox: createInboxService(base),
  artifacts: createArtifactService({ ...base, mostBytes: artifactBytes }),
  nodes: createNodeService(base),
  breakers: createBreakerService(base),
  deadLetters: createDeadLetterService(base),
  retryPolicies: createRetryPolicyService(base),
  runs: others.runs.service,
  backups: others.backups.service,
  locks: others.locks.service,
});

interface LivingParts extends Pick<OrchestratorPorts, "registry" | "clock" | "signals"> {
  coordinator: Coordinator;
  locking: Locking;
  memory: Memory;
  deadlocks: DeadlockWatch;
  door: Doors["door"];
  busDoor: Doors["busDoor"];
  dispatcher: Dispatcher;
  upkeep: Upkeep;
  waiters: Waiters;
  runs: ReturnType<typeof createRunService>;
  spending: Budgets;
  backups: { stop(): Promise<void> };
  streams: Streams;
  board: RolloutBoard;
  judge: Judge;
  /** Called when others may take work than before. */
  onJoined: () => void;
}

/** How it all begins and ends: those who hear of work first, those who make work last; and the other way round. */
function lifeCycle(parts: LivingParts): Pick<Orchestrator, "start" | "drain" | "stop"> {
  const { coordinator, locking, door, busDoor, dispatcher, upkeep, waiters, runs, registry, clock, backups } =
    parts;
  const { board, judge, spending } = parts;

  /** Whether agents that report here are at work. Of several nodes each has its own; one that is alone has all. */
  async function isBusy(): Promise<boolean> {
    const agents = new Set((await registry.reserved()).map((slot) => slot.agentId));
    if (parts.signals === undefined) return agents.size > 0;
    for (const agentId of agents) if (await door.gateway.isHome(agentId)) return true;
    return false;
  }

  /** Lets agents report what they have, without handing out more. */
  async function idle(mostMs: number): Promise<void> {
    const until = clock.now() + mostMs;
    while (clock.now() < until && (await isBusy())) {
      await new Promise<void>((resolve) => clock.setTimer(50, resolve));
    }
  }

  return {
    async start() {
      await parts.memory.start();
      await parts.streams.start();
      await coordinator.start();
      await locking.start();
      await board.start(parts.onJoined);
      await door.start();
      await busDoor.open();
      dispatcher.start();
      await upkeep.start();
    },
    async drain(graceMs = 10_000) {
      await dispatcher.stop();
      await idle(graceMs);
    },
    async stop() {
      await dispatcher.stop();
      await busDoor.close();
      await door.stop();
      waiters.wakeAll();
      await locking.stop();
      parts.deadlocks.stop();
      await upkeep.stop();
      await backups.stop();
      await parts.memory.stop();
      await parts.streams.stop();
      await judge.stop();
      await spending.stop();
      await runs.stop();
      await board.stop();
      await coordinator.stop();
    },
  };
}
