import type { AgentRegistry } from "../ports/agent-registry.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { Ids } from "../ports/ids.ts";
import type { Log } from "../ports/log.ts";
import type { MessageBus } from "../ports/message-bus.ts";
import type { Random } from "../ports/random.ts";
import type { Aftermath, Announce } from "./aftermath.ts";
import { createSettle } from "./completion/settle.ts";
import { createCoordinator } from "./coordinator.ts";
import { createAgentService } from "./discovery/agent-service.ts";
import { createCapabilitySchemas } from "./discovery/capability-schemas.ts";
import { createDirectory } from "./discovery/directory.ts";
import { type DiscoveryPolicy, defaultPolicy } from "./discovery/rank.ts";
import { createDispatcher } from "./dispatch/dispatcher.ts";
import { createEventFeed } from "./events/event-feed.ts";
import { createWaiters } from "./events/waiters.ts";
import { createExplain } from "./explain/explain.ts";
import { createAgentGateway } from "./gateway/agent-gateway.ts";
import { createAgentLife } from "./gateway/agent-life.ts";
import { createMail } from "./gateway/mail.ts";
import { createOperations } from "./gateway/operations.ts";
import { createSubTasks } from "./gateway/sub-tasks.ts";
import type { NextTurn } from "./group.ts";
import { createSubmit } from "./intake/submit-tasks.ts";
import { createKeyService } from "./keys/key-service.ts";
import type { Orchestrator } from "./orchestrator.ts";
import { createRunService } from "./runs/run-service.ts";
import { createTaskService } from "./tasks/task-service.ts";
import { createPrune } from "./upkeep/prune.ts";
import { createReconcile } from "./upkeep/reconcile.ts";
import { createUpkeep } from "./upkeep/upkeep.ts";

/** What core needs from outside. */
export interface OrchestratorPorts {
  database: Database;
  bus: MessageBus;
  registry: AgentRegistry;
  clock: Clock;
  random: Random;
  ids: Ids;
  log: Log;
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
  policy?: DiscoveryPolicy;
}

/** Puts the parts of core together. The order is the order of dependence; the coordinator closes the circle. */
export function createOrchestrator(
  ports: OrchestratorPorts,
  settings: OrchestratorSettings = {},
): Orchestrator {
  const { leaseMs = 10_000, heartbeatMs = Math.floor(leaseMs / 3), graceMs = 5_000 } = settings;
  const { retentionMs = 7 * 24 * 3_600_000, policy = defaultPolicy } = settings;
  const { database, clock, log, registry } = ports;

  let act: Announce = () => {};
  const announce = (aftermath: Aftermath): void => act(aftermath);
  const base = { ...ports, announce };

  const waiters = createWaiters(clock);
  const feed = createEventFeed(database, clock, log);
  const directory = createDirectory(registry, clock, policy);
  const settle = createSettle({ ...base, outcomes: directory });
  const submit = createSubmit(base);
  const dispatcher = createDispatcher({
    ...base,
    directory,
    leaseMs,
    onLeased: (dueAt) => announce({ dueAt }),
  });
  const onJoined = () =>
    void dispatcher.refresh().catch((error) => log.warn({ error }, "Ready work was not looked up."));
  const life = createAgentLife({ ...base, settle, leaseMs, onJoined });
  const runs = createRunService({ ...base, submit, waiters });
  const upkeep = createUpkeep({
    ...base,
    settle,
    dispatcher,
    life,
    findStalledRuns: runs.findStalled,
    reconcile: createReconcile(base),
    prune: createPrune({ database, log, retentionMs }),
  });
  act = createCoordinator({
    ...base,
    directory,
    dispatcher,
    feed,
    waiters,
    upkeep,
    advanceRuns: runs.advance,
  });

  const schemas = createCapabilitySchemas();
  const mail = createMail(base);
  const subTasks = createSubTasks({ ...base, submit });
  const operations = createOperations({ ...base, settle, schemas, life, mail, subTasks, leaseMs });
  const explain = createExplain({ ...base, policy });

  return {
    tasks: createTaskService({ ...base, submit, waiters, schemas, explain }),
    runs: runs.service,
    agents: createAgentService({ ...base, life, policy }),
    gateway: createAgentGateway({ ...base, schemas, life, mail, operations, leaseMs, heartbeatMs, graceMs }),
    events: feed.service,
    keys: createKeyService(database, clock, ports.ids),
    async start() {
      dispatcher.start();
      await upkeep.start();
    },
    async drain(graceMs = 10_000) {
      await dispatcher.stop();
      await idle(graceMs);
    },
    async stop() {
      await dispatcher.stop();
      waiters.wakeAll();
      await upkeep.stop();
      await runs.stop();
    },
  };

  /** Lets agents report what they have, without handing out more. */
  async function idle(mostMs: number): Promise<void> {
    const until = clock.now() + mostMs;
    while (clock.now() < until && (await registry.reserved()).length > 0) {
      await new Promise<void>((resolve) => clock.setTimer(50, resolve));
    }
  }
}
