import type { AgentSearch, FoundAgent, TaskContext } from "@muster/sdk";
import { clipText } from "./untrusted.ts";

/** What is known of a cost or a duration, and how. */
export type Basis = "measured" | "declared" | "unknown";

/** A capability that agents offer now, as a plan may use it. */
export interface Offer {
  capability: string;
  description: string;
  /** Names of those who offer it. */
  agents: string[];
  inputSchema?: Record<string, unknown> | boolean;
  outputSchema?: Record<string, unknown> | boolean;
  cost: { micros: number | null; basis: Basis };
  duration: { ms: number | null; basis: Basis };
}

/** Agents that one search answers at most. */
const mostFound = 50;
const mostOffers = 40;
const mostAgents = 5;
/** Bytes of all offers together, in the journal and in what the model reads. */
const offersBytes = 64 * 1024;
/** A larger schema is left out; the orchestrator checks inputs against it all the same. */
const schemaBytes = 8 * 1024;
const descriptionLength = 600;
/** Agents in other states would take no task. */
const atWork: ReadonlySet<string> = new Set(["available", "busy"]);

/**
 * What can be done now for the tenant whose task this is: what fits the goal best first, and then everything else, as
 * far as the bounds go. The orchestrator says whom the tenant may see, and what fits: by words, and by meaning where it has
 * a model for that.
 */
export const findOffers = async (
  { findAgents }: Pick<TaskContext, "findAgents">,
  words: string,
  excluded: ReadonlySet<string>,
): Promise<Offer[]> => {
  const search = (more: AgentSearch) => findAgents({ limit: mostFound, estimates: true, ...more });
  const [near, all] = await Promise.all([search({ query: words }), search({})]);
  const offers = new Map<string, Offer>();
  const scores = scoresOf(near);
  for (const agent of [...near, ...all]) {
    if (!atWork.has(agent.status)) continue;
    for (const capability of agent.capabilities) {
      if (excluded.has(capability.name)) continue;
      const known = offers.get(capability.name);
      if (known === undefined) offers.set(capability.name, offerOf(agent, capability));
      else if (!known.agents.includes(agent.name) && known.agents.length < mostAgents)
        known.agents.push(agent.name);
    }
  }
  return withinBytes([...offers.values()].sort((a, b) => scoreOf(scores, b) - scoreOf(scores, a)));
};

/** How well each fits, whoever offers it: one agent may offer all that is needed, among much that is not. */
const scoresOf = (near: readonly FoundAgent[]): ReadonlyMap<string, number> => {
  const scores = new Map<string, number>();
  for (const { name, score = 0 } of near.flatMap(({ capabilities }) => capabilities))
    scores.set(name, Math.max(score, scores.get(name) ?? 0));
  return scores;
};

/** Those that do not fit stay in the order in which they were found. */
const scoreOf = (scores: ReadonlyMap<string, number>, { capability }: Offer): number =>
  scores.get(capability) ?? 0;

const offerOf = (agent: FoundAgent, found: FoundAgent["capabilities"][number]): Offer => {
  const { name, description = "", inputSchema, outputSchema, cost, meanDurationMs, measured } = found;
  const whose = description === "" ? agent.description : description;
  return {
    capability: name,
    description: clipText(whose, descriptionLength),
    agents: [agent.name],
    ...(isSmall(inputSchema) ? { inputSchema } : {}),
    ...(isSmall(outputSchema) ? { outputSchema } : {}),
    cost:
      measured !== undefined && measured.meanCostMicros !== null
        ? { micros: measured.meanCostMicros, basis: "measured" }
        : { micros: cost === undefined ? null : Math.round(cost * 1_000_000), basis: basisOf(cost) },
    duration:
      measured === undefined
        ? { ms: meanDurationMs ?? null, basis: basisOf(meanDurationMs) }
        : { ms: measured.meanDurationMs, basis: "measured" },
  };
};

const basisOf = (declared: number | undefined): Basis => (declared === undefined ? "unknown" : "declared");

const isSmall = <T>(schema: T | undefined): schema is T =>
  schema !== undefined && Buffer.byteLength(JSON.stringify(schema)) <= schemaBytes;

/** The nearest that fit into the bytes. */
const withinBytes = (offers: readonly Offer[]): Offer[] => {
  const kept: Offer[] = [];
  let bytes = 0;
  for (const offer of offers) {
    if (kept.length === mostOffers) break;
    bytes += Buffer.byteLength(JSON.stringify(offer));
    if (bytes > offersBytes) break;
    kept.push(offer);
  }
  return kept;
};
