import type { AgentSearch, Capability } from "@muster/sdk/protocol";
import { rankByWords, stemsOf } from "./rank-by-words.ts";

/** What is looked at of an agent. */
export interface Candidate {
  id: string;
  name: string;
  description: string;
  capabilities: readonly Capability[];
  load: number;
  maxConcurrency: number;
}

export interface Offer<A extends Candidate> {
  agent: A;
  capabilities: { capability: Capability; score: number }[];
}

/** What offers are described by, one text for each capability, as `findAmong` wants their similarities. */
export const textsOf = (agents: readonly Candidate[], { capability }: AgentSearch): string[] =>
  agents.flatMap((agent) =>
    agent.capabilities.filter((each) => isWanted(each, capability)).map((each) => describe(agent, each)),
  );

/**
 * Best first; nobody who has nothing in common with the words, and whose meaning is no nearer than chance. `similarities`
 * are those of `textsOf` the same agents to the query; null: words alone count.
 */
export function findAmong<A extends Candidate>(
  agents: readonly A[],
  search: AgentSearch,
  similarities: readonly number[] | null = null,
): Offer<A>[] {
  const { query, capability } = search;
  const offers = agents
    .map((agent) => ({ agent, capabilities: agent.capabilities.filter((c) => isWanted(c, capability)) }))
    .filter(({ capabilities }) => capabilities.length > 0 || capability === undefined);
  const scores = scoresOf(offers, search, similarities);
  let next = 0;
  const scored = offers.map(({ agent, capabilities }) => ({
    agent,
    capabilities: capabilities
      .map((each) => ({ capability: each, score: scores[next++] as number }))
      .sort((a, b) => b.score - a.score || compareTexts(a.capability.name, b.capability.name)),
  }));
  const found = query === undefined ? scored : scored.filter((offer) => bestOf(offer) > 0);
  return found.sort(
    (a, b) =>
      bestOf(b) - bestOf(a) || loadOf(a.agent) - loadOf(b.agent) || compareTexts(a.agent.id, b.agent.id),
  );
}

function scoresOf(
  offers: readonly { agent: Candidate; capabilities: readonly Capability[] }[],
  { query }: AgentSearch,
  similarities: readonly number[] | null,
): number[] {
  const pairs = offers.flatMap(({ agent, capabilities }) => capabilities.map((each) => ({ agent, each })));
  if (query === undefined) return pairs.map(() => 0);
  const stems = new Set(stemsOf(query));
  const words = rankByWords(
    query,
    pairs.map(({ agent, each }) => describe(agent, each)),
  ).map((score, at) => score + scoreOfName(pairs[at]!.agent, stems));
  if (similarities === null) return words;
  const [byWords, byMeaning] = [placesOf(words, 0), placesOf(similarities, leastSimilarity)];
  return pairs.map((_, at) => scoreOfPlace(byWords[at]!) + scoreOfPlace(byMeaning[at]!));
}

/** Below it, sentences that have nothing to do with each other are found, with the models that we know. */
const leastSimilarity = 0.3;
/** The usual constant of reciprocal rank fusion. */
const smoothing = 60;

/** 1 for the best, the same for equals; none for what is not above the bound. */
function placesOf(scores: readonly number[], above: number): (number | null)[] {
  const rounded = scores.map((score) => Math.round(score * 1e6) / 1e6);
  const sorted = [...new Set(rounded)].sort((a, b) => b - a);
  const placeOf = new Map(sorted.map((score, at) => [score, at + 1]));
  return rounded.map((score) => (score > above ? (placeOf.get(score) as number) : null));
}

const scoreOfPlace = (place: number | null): number => (place === null ? 0 : 1 / (smoothing + place));

const isWanted = ({ name }: Capability, wanted: string | undefined): boolean =>
  wanted === undefined || name === wanted;

const describe = ({ description }: Candidate, capability: Capability): string =>
  `${capability.name} ${capability.description ?? ""} ${description}`;

/** What a word of the query in the agent's name counts: names tell little of what an agent can do. */
const nameWeight = 0.5;

const scoreOfName = ({ name }: Candidate, stems: ReadonlySet<string>): number =>
  stemsOf(name).some((stem) => stems.has(stem)) ? nameWeight : 0;

const bestOf = ({ capabilities }: Offer<Candidate>): number => capabilities[0]?.score ?? 0;
const loadOf = ({ load, maxConcurrency }: Candidate): number => load / Math.max(1, maxConcurrency);
const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
