import type { ToolSubject } from "../tool.ts";
import { parseToolRule, type ToolRule } from "./tool-rule.ts";

/** Which tools an agent has and which calls it may make, in the words of `.claude` files. */
export interface ToolPolicy {
  /** Only these; omitted: all there are. */
  allow?: readonly string[];
  /** Never these, whatever else is said. */
  deny?: readonly string[];
  /** These after a person said yes. */
  ask?: readonly string[];
}

export type Verdict =
  | { kind: "allowed" }
  | { kind: "asks"; rule: string }
  /** `rule` is null where no rule allows it. */
  | { kind: "denied"; rule: string | null };

export interface PolicyJudge {
  /** Whether the model is told of a tool at all. */
  offers(tool: string): boolean;
  /** A call with what it is about; null where the tool does not say. */
  judge(tool: string, subject: ToolSubject | null): Verdict;
  /** Whether a rule keeps the agent from reading this file, for tools that look through many. */
  hides(path: string): boolean;
}

/**
 * Reads a policy. What denies goes before what asks, and that before what allows. A rule about some calls of a tool that
 * does not say what its calls are about stops all of them when it denies, and none is allowed by it.
 */
export function createPolicyJudge(policy: ToolPolicy): PolicyJudge {
  const allow = policy.allow?.map(parseToolRule);
  const deny = (policy.deny ?? []).map(parseToolRule);
  const ask = (policy.ask ?? []).map(parseToolRule);
  const about = (rules: readonly ToolRule[], tool: string): ToolRule[] =>
    rules.filter((rule) => rule.names(tool));
  const stops = (rule: ToolRule, subject: ToolSubject | null): boolean =>
    !rule.isPartial || subject === null || rule.stops(subject);
  const allows = (rule: ToolRule, subject: ToolSubject | null): boolean =>
    !rule.isPartial || (subject !== null && rule.allows(subject));
  return {
    offers: (tool) =>
      (allow === undefined || about(allow, tool).length > 0) &&
      !about(deny, tool).some((rule) => !rule.isPartial),
    judge: (tool, subject) => {
      const denied = about(deny, tool).find((rule) => stops(rule, subject));
      if (denied !== undefined) return { kind: "denied", rule: denied.text };
      if (allow !== undefined && !about(allow, tool).some((rule) => allows(rule, subject))) {
        return { kind: "denied", rule: null };
      }
      const asked = about(ask, tool).find((rule) => stops(rule, subject));
      return asked === undefined ? { kind: "allowed" } : { kind: "asks", rule: asked.text };
    },
    hides: (path) =>
      about(deny, "Read").some((rule) => rule.isPartial && rule.stops({ kind: "paths", paths: [path] })),
  };
}
