import type { AgentRecord } from "../../ports/agent-registry.ts";
import type { Route } from "../queue/route.ts";
import type { BreakerRow } from "../queue/statements/breakers.ts";
import { isoTime } from "../task-view.ts";
import { healthScore } from "./health.ts";

export interface DiscoveryPolicy {
  minHealthScore: number;
  /** Agents above this share of their slots get nothing more. */
  maxLoadRatio: number;
}

export const defaultPolicy: DiscoveryPolicy = { minHealthScore: 0.7, maxLoadRatio: 0.8 };

/** Whether an agent could ever take tasks of this route and tenant. */
export function matches(
  agent: AgentRecord,
  { capability, agent: wanted, tools }: Route,
  tenant?: string,
): boolean {
  if (tenant !== undefined && agent.tenant !== "*" && agent.tenant !== tenant) return false;
  if (wanted !== null && agent.id !== wanted && agent.name !== wanted) return false;
  if (capability === null)
    return tools.length === 0 || agent.capabilities.some((c) => hasTools(c.tools, tools));
  return agent.capabilities.some((c) => c.name === capability && hasTools(c.tools, tools));
}

const hasTools = (offered: readonly string[] | undefined, needed: readonly string[]): boolean =>
  needed.every((tool) => offered?.includes(tool) ?? false);

/** The part of a breaker that discovery looks at. Undefined: it is closed. */
export type KnownBreaker = Pick<BreakerRow, "state" | "retry_at" | "probe" | "reason"> | undefined;

/** Why an agent that matches gets nothing now; null where it could take a task. */
export function obstacle(
  agent: AgentRecord,
  policy: DiscoveryPolicy,
  now: number,
  breaker: KnownBreaker,
): string | null {
  if (!isPresent(agent)) return `is in status ${agent.status}`;
  const broken = breakerObstacle(breaker, now);
  if (broken !== null) return broken;
  if (!isFit(agent, policy, now, breaker)) {
    return `has a health score of ${healthScore(agent.outcomes, now).toFixed(2)}, below ${policy.minHealthScore}`;
  }
  if (agent.load >= agent.maxConcurrency)
    return `is busy with ${agent.load} of ${agent.maxConcurrency} tasks`;
  if (agent.load / agent.maxConcurrency > policy.maxLoadRatio) {
    return `is loaded above ${policy.maxLoadRatio * 100} % of its ${agent.maxConcurrency} slots`;
  }
  return null;
}

const isPresent = (agent: AgentRecord): boolean =>
  agent.status !== "offline" && agent.status !== "maintenance";

function breakerObstacle(breaker: KnownBreaker, now: number): string | null {
  if (breaker === undefined || breaker.state === "closed" || isProbed(breaker)) return null;
  if (breaker.state === "half_open") return "has a half-open breaker, and its one probe is under way";
  if (breaker.retry_at === null) {
    return `has a breaker that was opened by hand${breaker.reason === null ? "" : ` (${breaker.reason})`}, until somebody closes it`;
  }
  const seconds = Math.max(0, (breaker.retry_at - now) / 1_000).toFixed(1);
  return `has an open breaker; one task probes it in ${seconds} s (${isoTime(breaker.retry_at)})`;
}

/** Whether its next task, one only, is the probe of its breaker. */
export const isProbed = (breaker: KnownBreaker): boolean =>
  breaker?.state === "half_open" && breaker.probe === null;

/** Whether an agent may work at all, however busy it is. A probe finds out more than any health score of old says. */
export const isFit = (
  agent: AgentRecord,
  policy: DiscoveryPolicy,
  now: number,
  breaker: KnownBreaker,
): boolean =>
  isPresent(agent) &&
  (isProbed(breaker) ||
    ((breaker === undefined || breaker.state === "closed") &&
      healthScore(agent.outcomes, now) >= policy.minHealthScore));

/** Slots that may still be filled without going above the load ratio: the last one filled may reach it. */
export function freeSlots(agent: AgentRecord, policy: DiscoveryPolicy): number {
  const most = Math.min(agent.maxConcurrency, Math.floor(policy.maxLoadRatio * agent.maxConcurrency) + 1);
  return Math.max(0, most - agent.load);
}

/** Least loaded first; then the healthier, the cheaper, the quicker one; then by id, so that the order is total. */
export function compareAgents(
  a: AgentRecord,
  b: AgentRecord,
  capability: string | null,
  now: number,
): number {
  return (
    a.load / a.maxConcurrency - b.load / b.maxConcurrency ||
    healthScore(b.outcomes, now) - healthScore(a.outcomes, now) ||
    costOf(a, capability) - costOf(b, capability) ||
    durationOf(a, capability) - durationOf(b, capability) ||
    (a.id < b.id ? -1 : 1)
  );
}

const offer = (agent: AgentRecord, capability: string | null) =>
  agent.capabilities.find((c) => c.name === capability);
const costOf = (agent: AgentRecord, capability: string | null) => offer(agent, capability)?.cost ?? 0;
const durationOf = (agent: AgentRecord, capability: string | null) =>
  offer(agent, capability)?.meanDurationMs ?? 0;
