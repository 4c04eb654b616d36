import type { SideSelector } from "@muster/sdk/protocol";
import type { AgentRecord } from "../../ports/agent-registry.ts";
import type { Seat } from "../queue/route.ts";
import type { RolloutRow } from "../queue/statements/rollouts.ts";
import { isCandidateBucket } from "./bucket.ts";

export type Side = "baseline" | "candidate";

const fits = (agent: Pick<AgentRecord, "name" | "version">, { version, name }: SideSelector): boolean =>
  (version === undefined || agent.version === version) && (name === undefined || agent.name === name);

/** The side that an agent is on; null: on neither, so it gets no tasks of the capability while this holds. */
export function sideOf(
  agent: Pick<AgentRecord, "name" | "version">,
  { candidate, baseline }: Pick<RolloutRow, "candidate" | "baseline">,
): Side | null {
  if (fits(agent, candidate)) return "candidate";
  return baseline === null || fits(agent, baseline) ? "baseline" : null;
}

/** Per cent of the buckets that are the candidate's now. */
export function weightOf({ status, steps, step }: Pick<RolloutRow, "status" | "steps" | "step">): number {
  if (status === "promoted") return 100;
  return status === "running" ? (steps[step]?.candidate ?? 0) : 0;
}

/** Who may take the tasks of one seat. */
export interface Seating {
  rolloutId: string;
  /** The side for which an attempt of an agent counts; null: for none, since the rollout is over. */
  countsFor: (agent: AgentRecord) => Side | "shadow" | null;
  /** Agents of that side. */
  isSeated: (agent: AgentRecord) => boolean;
  /** Who takes them while nobody healthy of that side is there; null: they wait. */
  mayStandIn: ((agent: AgentRecord) => boolean) | null;
  /** Who may go on with an attempt that it has begun. */
  mayGoOn: (agent: AgentRecord) => boolean;
}

export function seatingOf(rollout: RolloutRow, seat: Seat): Seating {
  const on = (side: Side) => (agent: AgentRecord) => sideOf(agent, rollout) === side;
  const running = rollout.status === "running";
  if (seat.kind === "shadow") {
    const isSeated = running ? on("candidate") : () => false;
    const countsFor = () => "shadow" as const;
    return { rolloutId: rollout.id, countsFor, isSeated, mayStandIn: null, mayGoOn: isSeated };
  }
  const countsFor = (agent: AgentRecord) => (running ? sideOf(agent, rollout) : null);
  const base = { rolloutId: rollout.id, countsFor };
  if (isCandidateBucket(seat.bucket, weightOf(rollout))) {
    const isSeated = on("candidate");
    return {
      ...base,
      isSeated,
      // Once it was promoted, a version that came after it is better than nobody.
      mayStandIn: rollout.when_away === "wait" ? null : (agent) => !isSeated(agent),
      mayGoOn: () => true,
    };
  }
  const isSeated = on("baseline");
  // Nothing goes to a candidate that was taken back, and before its time nothing either.
  return { ...base, isSeated, mayStandIn: null, mayGoOn: running ? () => true : isSeated };
}
