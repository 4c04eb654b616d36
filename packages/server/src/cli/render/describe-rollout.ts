import type { RolloutDetail, SideOutcomes, SideSelector } from "@muster/sdk/protocol";
import type { CliContext } from "../cli-context.ts";
import { describeFields } from "./describe-fields.ts";
import { formatAge } from "./format-duration.ts";
import { statusStyle } from "./status-style.ts";
import { renderTable } from "./table.ts";

/** Differences shown; --json has all that are kept. */
const mostShown = 10;

/** For people: "2.0", "name reviewer, version 2.0". */
export const describeSelector = ({ name, version }: SideSelector): string => {
  if (name === undefined) return version ?? "";
  return version === undefined ? `name ${name}` : `name ${name}, version ${version}`;
};

/** A rollout as a person reads it: where it is, how its sides compare, what differs. */
export function describeRollout(context: CliContext, rollout: RolloutDetail): string {
  const parts = [facts(context, rollout), sides(context, rollout)];
  const { open, equal, different, failed, differences } = rollout.comparisons;
  if (open + equal + different + failed > 0) {
    parts.push(
      `results compared: ${equal} equal, ${different} different, ${failed} without one, ${open} open\n`,
    );
  }
  if (differences.length > 0) parts.push(differing(context, rollout));
  return parts.join("\n");
}

function facts(context: CliContext, rollout: RolloutDetail): string {
  const { colors } = context.stdout;
  const { steps, step, status, cause, holds } = rollout;
  const plan = steps
    .map(({ candidate }, at) => (at === step && status === "running" ? `[${candidate} %]` : `${candidate} %`))
    .join(" → ");
  return describeFields(colors, [
    ["rollout", rollout.id],
    ["capability", rollout.capability],
    ["tenant", rollout.tenant === "*" ? "all" : rollout.tenant],
    ["status", status.replace("_", " "), statusStyle(colors, status)],
    ...(cause === null ? [] : [["cause", cause.message] as const]),
    ["steps", plan],
    ["candidate", `${describeSelector(rollout.candidate)}, gets ${rollout.weights.candidate} %`],
    ["baseline", rollout.baseline === null ? "every other agent" : describeSelector(rollout.baseline)],
    ["started", `${formatAge(rollout.createdAt, context.now())} by ${rollout.startedBy}`],
    ["this step", `since ${formatAge(rollout.stepStartedAt, context.now())}`],
    ...(status === "running"
      ? []
      : [["holds", holds ? "until it is cleared or another one starts" : "no more"] as const]),
  ]);
}

function sides(context: CliContext, { outcomes, steps, step }: RolloutDetail): string {
  const names = ["baseline", "candidate", "shadow"] as const;
  const shown = names.filter(
    (name) => name !== "shadow" || steps[step]?.shadow !== undefined || outcomes.shadow.completed > 0,
  );
  const rows = shown.map((name) => ({ name, ...outcomes[name] }));
  const ms = (value: number | null) => (value === null ? "-" : `${Math.round(value)} ms`);
  const errors = ({ errorRate }: SideOutcomes) =>
    errorRate === null ? "-" : `${(errorRate * 100).toFixed(1)} %`;
  return renderTable(
    [
      { title: "SIDE", value: (row) => row.name },
      { title: "COMPLETED", value: (row) => String(row.completed), align: "right" },
      { title: "FAILED", value: (row) => String(row.failed), align: "right" },
      { title: "ERRORS", value: errors, align: "right" },
      { title: "MEAN", value: (row) => ms(row.meanMs), align: "right" },
      { title: "P95", value: (row) => ms(row.p95Ms), align: "right" },
    ],
    rows,
    context.stdout.columns(),
    context.stdout.colors.dim,
  );
}

function differing(context: CliContext, { comparisons }: RolloutDetail): string {
  return renderTable(
    [
      { title: "TASK", value: (one) => one.taskId },
      { title: "AT", value: (one) => one.path || "/", shrinks: true },
      { title: "BASELINE", value: (one) => one.baseline, shrinks: true },
      { title: "CANDIDATE", value: (one) => one.candidate, shrinks: true },
      { title: "NOTE", value: (one) => one.note ?? "", shrinks: true, optional: true },
    ],
    comparisons.differences.slice(0, mostShown),
    context.stdout.columns(),
    context.stdout.colors.dim,
  );
}
