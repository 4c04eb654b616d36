import type {
  AgentDefinition,
  AgentEnvironment,
  Capability,
  CapabilityDefinition,
  RunningAgent,
  TaskContext,
} from "@muster/sdk";
import { limits } from "@muster/sdk/protocol";
import type { A2aAgent } from "../configured-agent.ts";
import type { Environment } from "../fill-variables.ts";
import { WorkError } from "../work-error.ts";
import type { Card, Skill } from "./agent-card.ts";
import { type CardSource, createCardSource } from "./card-source.ts";
import { doRemoteTask } from "./do-remote-task.ts";

/** How often a card is looked at again where the file says nothing. */
const defaultRefreshMs = 300_000;
/** After a card could not be had: the first pause, and the longest. */
const retryMs = { first: 1_000, most: 60_000 };

/**
 * A remote agent that speaks A2A, as an agent of Muster. Each skill of its card is a capability, or each that the file
 * names. The card is looked at again and again; what changes there is offered anew. Until the card was read for the
 * first time, only capabilities that the file names are offered.
 */
export function createA2aAgent(agent: A2aAgent, env: Environment): AgentDefinition {
  const source = createCardSource(agent, env);
  const { name, version, description, maxConcurrency } = agent;
  const offer = (capability: Capability, skill: string): CapabilityDefinition => ({
    ...capability,
    handler: async (context: TaskContext) => {
      const remote = await source.get(context.signal);
      const found = remote.card.skills.find(({ id }) => id === skill);
      if (found !== undefined) return doRemoteTask({ agent, remote, skill: found, context });
      throw new WorkError("no_skill", `The remote agent has no skill "${skill}" any more.`, {
        retryable: false,
      });
    },
  });
  return {
    name,
    ...(version === undefined ? {} : { version }),
    ...(description === undefined ? {} : { description }),
    ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
    metadata: { kind: agent.kind, card: agent.card },
    capabilities: namedBy(agent).map(({ capability, skill }) => offer(capability, skill)),
    onStart: (running, environment) =>
      watchCard(agent, source, running, environment, (card, tell) =>
        offersOf(agent, card, tell).map(({ capability, skill }) => offer(capability, skill)),
      ),
  };
}

interface Offer {
  capability: Capability;
  skill: string;
}

const namedBy = ({ capabilities = [], skills = {} }: A2aAgent): Offer[] =>
  capabilities.map((one) => {
    const capability = typeof one === "string" ? { name: one } : one;
    const { [capability.name]: skill = capability.name } = skills;
    return { capability, skill };
  });

/** What a card lets us offer; `tell` is told of what it does not. */
function offersOf(agent: A2aAgent, card: Card, tell: (problem: string) => void): Offer[] {
  if (agent.capabilities !== undefined) {
    return namedBy(agent).flatMap(({ capability, skill }) => {
      const found =
        card.skills.find(({ id }) => id === skill) ?? card.skills.find((one) => nameOf(one) === skill);
      if (found !== undefined)
        return [{ capability: { ...describe(found), ...capability }, skill: found.id }];
      tell(`the card has no skill "${skill}", so "${capability.name}" is not offered`);
      return [];
    });
  }
  const byName = new Map<string, Offer>();
  for (const skill of card.skills) {
    const name = nameOf(skill);
    if (name === "" || byName.has(name))
      tell(`the skill "${skill.id}" has no name of its own and is left out`);
    else byName.set(name, { capability: { name, ...describe(skill) }, skill: skill.id });
  }
  const all = [...byName.values()];
  if (all.length > limits.capabilitiesPerAgent)
    tell(`the card has ${all.length} skills; the first ${limits.capabilitiesPerAgent} are offered`);
  return all.slice(0, limits.capabilitiesPerAgent);
}

/** A skill's id as the name of a capability, which has fewer characters to choose from. */
const nameOf = ({ id }: Skill): string =>
  id
    .replaceAll(/[^A-Za-z0-9._:/-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, limits.nameLength);

const describe = ({ name, description }: Skill): Pick<Capability, "description"> => ({
  description: [name, description].filter(Boolean).join(": ").slice(0, limits.textLength),
});

/** Keeps an agent in step with its card; returns how to end that. */
function watchCard(
  agent: A2aAgent,
  source: CardSource,
  running: RunningAgent,
  { clock, onProblem }: AgentEnvironment,
  offersFor: (card: Card, tell: (problem: string) => void) => CapabilityDefinition[],
): () => void {
  const ending = new AbortController();
  let failures = 0;
  let told = "";
  const tell = (problem: string): void => {
    // The same problem is told once, not with each look.
    if (problem !== told && !ending.signal.aborted) onProblem(new Error(`${agent.name}: ${problem}`));
    told = problem;
  };
  const look = async (): Promise<void> => {
    try {
      const changed = await source.refresh(ending.signal);
      const isOutdated = changed || failures > 0;
      if (isOutdated && !ending.signal.aborted) {
        const { card } = await source.get(ending.signal);
        const described = agent.description === undefined ? { description: summaryOf(card) } : {};
        await running.update({ capabilities: offersFor(card, tell), ...described });
      }
      failures = 0;
    } catch (error) {
      failures++;
      tell((error as Error).message);
    }
  };
  const pauseMs = (): number =>
    failures === 0
      ? (agent.refreshMs ?? defaultRefreshMs)
      : Math.min(retryMs.first * 2 ** (failures - 1), retryMs.most);
  let timer: { cancel(): void } | undefined;
  const go = (): void => {
    void look().then(() => {
      if (!ending.signal.aborted) timer = clock.setTimer(pauseMs(), go);
    });
  };
  go();
  return () => {
    ending.abort();
    timer?.cancel();
  };
}

const summaryOf = ({ name, description }: Card): string =>
  [name, description].filter(Boolean).join(": ").slice(0, limits.textLength);
