import { tenants } from "./clients.ts";
import { mostSkewMs, noFaults, slowFaults, someFaults } from "./faults.ts";
import { startManualAgent } from "./manual-agent.ts";
import { type NodeProcess, startNode } from "./node-process.ts";
import { type AgentProcess, startSdkAgent } from "./sdk-agent.ts";
import { nodesUp } from "./wire.ts";
import type { World } from "./world.ts";

const mostAgents = 8;
/** How far the clocks of nodes are off while nothing is wrong with them. */
const usualSkewMs = 40;

/** The processes of the world, and what happens to them. */
export function createCrew(world: World) {
  const { chance, note, redis } = world;
  let agents: AgentProcess[] = [];
  let started = 0;

  function remove(agent: AgentProcess): void {
    agents = agents.filter((other) => other !== agent);
  }

  function end(agent: AgentProcess): void {
    agent.process.kill();
    remove(agent);
    // The node may see the connection break, or learn of it from the silence.
    agent.door.breakLine(chance.is(0.5));
  }

  function start(place: number): void {
    world.nodes[place]?.process.thaw();
    if (world.nodes[place] !== null) return;
    note(`node ${place} starts`);
    world.nodes[place] = startNode(world, place);
  }

  const someNode = (): NodeProcess | undefined => {
    const up = nodesUp(world);
    return up.length === 0 ? undefined : chance.pick(up);
  };

  return {
    agentStarts(): void {
      if (agents.length >= mostAgents) return;
      // Sometimes under the name of one that died, while its leases go on.
      const number = started > 0 && chance.is(0.4) ? chance.int(0, started - 1) : started++;
      const id = `agent-${number}`;
      if (agents.some((agent) => agent.id === id)) return;
      const tenant = number % 4 === 3 ? "*" : tenants[number % 2]!;
      const begin = chance.is(0.6) ? startSdkAgent : startManualAgent;
      agents.push(begin(world, id, tenant, 1 + (number % 5)));
      note(`${id} starts for ${tenant}`);
    },
    agentDies(): void {
      if (agents.length === 0) return;
      const agent = chance.pick(agents);
      note(`${agent.id} dies`);
      end(agent);
    },
    agentStops(): void {
      const polite = agents.filter((agent) => agent.stop !== null && agent.process.isRunning);
      if (polite.length === 0) return;
      const agent = chance.pick(polite);
      note(`${agent.id} stops`);
      agent.stop?.().catch(() => undefined);
      remove(agent);
    },
    agentFreezes(): void {
      if (agents.length > 0) chance.pick(agents).process.freeze();
    },
    agentThaws(): void {
      for (const agent of agents) if (chance.is(0.5)) agent.process.thaw();
    },
    /** The connection of an agent breaks, and it goes on at any node. */
    agentMoves(): void {
      if (agents.length > 0) chance.pick(agents).door.breakLine(chance.is(0.5));
    },
    nodeCrashes(): void {
      const node = someNode();
      if (node === undefined) return;
      note(`node ${node.place} crashes`);
      node.crash();
    },
    nodeStarts: () => start(chance.int(0, world.nodes.length - 1)),
    nodeFreezes(): void {
      const node = someNode();
      if (node === undefined) return;
      note(`node ${node.place} freezes`);
      node.process.freeze();
    },
    clockJumps(): void {
      const place = chance.int(0, world.skews.length - 1);
      const far = chance.is(0.3);
      world.skews[place] = far ? chance.int(-mostSkewMs, mostSkewMs) : chance.int(-usualSkewMs, usualSkewMs);
      if (far) note(`the clock of node ${place} is off by ${world.skews[place]}`);
    },
    redisForgets: () => redis?.forget(),
    redisLeaves: () => redis?.leave(),
    redisComesBack: () => redis?.comeBack(),
    weatherChanges(): void {
      const weather = chance.weighted({ bad: 6, good: 3, slow: 1 });
      note(`${weather} weather`);
      Object.assign(world.faults, { bad: someFaults, good: noFaults, slow: slowFaults }[weather]);
    },
    /** Whatever was broken works again. */
    allStart(): void {
      redis?.comeBack();
      world.skews.fill(0);
      for (const place of world.nodes.keys()) start(place);
    },
    killAll(): void {
      for (const agent of [...agents]) end(agent);
    },
  };
}

export type Crew = ReturnType<typeof createCrew>;
