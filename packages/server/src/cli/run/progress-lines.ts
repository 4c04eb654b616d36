import type { Colors } from "../cli-context.ts";
import { cutText, fitLine, padText, type Segment, textWidth } from "../render/fit-line.ts";
import { formatDuration } from "../render/format-duration.ts";
import { printable } from "../render/printable.ts";
import type { RunProgress, StepProgress } from "./run-progress.ts";

/** What the picture of a run depends on beside the run. */
export interface ViewSize {
  nowMs: number;
  columns: number;
  rows: number;
  colors: Colors;
}

const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const spinnerFrameMs = 120;
const barCells = 10;

/** The live view of a run as lines, each narrower than the terminal and together fewer than its rows. */
export function progressLines(progress: RunProgress, view: ViewSize): string[] {
  // The last column stays empty: a character there makes some terminals break the line.
  const width = Math.max(10, view.columns - 1);
  const layout = layoutOf(progress, width);
  const agents = agentsByStep(progress);
  // One row for the head, one for the totals, and the one on which the cursor rests.
  const body = stepRows(progress, Math.max(1, view.rows - 3)).map((row) =>
    fitLine(
      typeof row === "string"
        ? [{ text: `  ${row}`, style: view.colors.dim }]
        : stepLine(row, layout, agents, view),
      width,
    ),
  );
  const head = fitLine(
    [
      { text: printable(progress.workflow), style: view.colors.bold },
      { text: `  run ${progress.runId}`, style: view.colors.dim },
    ],
    width,
  );
  return [head, ...body, fitLine(totals(progress, view), width)];
}

/** One line with a spinner, for what comes before the run. */
export function waitingLine(sentence: string, view: ViewSize): string {
  return fitLine(
    [{ text: spinnerFrame(view.nowMs), style: view.colors.cyan }, { text: ` ${printable(sentence)}` }],
    Math.max(10, view.columns - 1),
  );
}

interface Layout {
  name: number;
  capability: number;
  count: number;
  bar: boolean;
}

function layoutOf(progress: RunProgress, width: number): Layout {
  const steps = [...progress.steps.values()];
  const widest = (texts: string[], most: number) =>
    Math.min(most, Math.max(0, ...texts.map((text) => textWidth(text))));
  return {
    name: widest(
      steps.map((step) => step.name),
      width < 60 ? 16 : 28,
    ),
    capability:
      width < 64
        ? 0
        : widest(
            steps.map((step) => step.capability ?? ""),
            26,
          ),
    count: Math.max(3, ...steps.map((step) => countOf(step).length)),
    bar: width >= 90 && steps.some((step) => step.total > 1),
  };
}

function countOf(step: StepProgress): string {
  return step.total === 0 ? "" : `${step.completed + step.failed}/${step.total}`;
}

function stepLine(
  step: StepProgress,
  layout: Layout,
  agents: ReadonlyMap<string, string[]>,
  view: ViewSize,
): Segment[] {
  const { colors, nowMs } = view;
  const quiet = step.status === "pending" || step.status === "skipped" ? colors.dim : undefined;
  const segments: Segment[] = [
    { text: " " },
    markOf(step, view),
    { text: ` ${padText(step.name, layout.name)}`, ...(quiet && { style: quiet }) },
  ];
  if (layout.capability > 0) {
    segments.push({ text: `  ${padText(step.capability ?? "", layout.capability)}`, style: colors.dim });
  }
  segments.push({ text: `  ${padText(countOf(step), layout.count, "right")}` });
  if (layout.bar) segments.push({ text: "  " }, ...barOf(step, colors));
  const elapsed =
    step.startedAtMs === undefined ? "" : formatDuration((step.finishedAtMs ?? nowMs) - step.startedAtMs);
  segments.push({ text: `  ${padText(elapsed, 7, "right")}`, style: colors.dim });
  segments.push(...remarkOf(step, agents.get(step.name) ?? [], colors));
  return segments;
}

function markOf(step: StepProgress, view: ViewSize): Segment {
  const { colors } = view;
  switch (step.status) {
    case "running":
      return { text: spinnerFrame(view.nowMs), style: colors.cyan };
    case "completed":
      return { text: "✔", style: step.failed > 0 ? colors.yellow : colors.green };
    case "failed":
      return { text: "✖", style: colors.red };
    case "cancelled":
      return { text: "◼", style: colors.yellow };
    case "skipped":
      return { text: "−", style: colors.dim };
    case "pending":
      return { text: "·", style: colors.dim };
  }
}

function spinnerFrame(nowMs: number): string {
  return spinner[Math.floor(nowMs / spinnerFrameMs) % spinner.length] ?? "";
}

function barOf(step: StepProgress, colors: Colors): Segment[] {
  if (step.total <= 1) return [{ text: " ".repeat(barCells) }];
  const full = Math.floor(((step.completed + step.failed) / step.total) * barCells);
  return [
    { text: "━".repeat(full), style: step.failed > 0 ? colors.yellow : colors.green },
    { text: "━".repeat(barCells - full), style: colors.dim },
  ];
}

function remarkOf(step: StepProgress, agents: readonly string[], colors: Colors): Segment[] {
  if (step.status === "running" && agents.length > 0) return [{ text: `  ${agents.join(", ")}` }];
  const parts: Segment[] = [];
  if (step.failed > 0 && step.status === "cancelled") parts.push({ text: `  ${step.failed} cancelled` });
  else if (step.failed > 0) parts.push({ text: `  ${step.failed} failed`, style: colors.red });
  if (step.reason !== null) parts.push({ text: `  ${printable(step.reason)}`, style: colors.dim });
  else if (step.status === "skipped") parts.push({ text: "  skipped", style: colors.dim });
  return parts;
}

/** `reviewer ×4, parser` for each step, sub-tasks counted with the step that they serve. */
function agentsByStep(progress: RunProgress): Map<string, string[]> {
  const counts = new Map<string, Map<string, number>>();
  for (const { agent, step } of progress.running.values()) {
    if (step === null) continue;
    const ofStep = counts.get(step) ?? new Map<string, number>();
    ofStep.set(agent, (ofStep.get(agent) ?? 0) + 1);
    counts.set(step, ofStep);
  }
  const words = new Map<string, string[]>();
  for (const [step, ofStep] of counts) {
    words.set(
      step,
      [...ofStep].map(([agent, count]) => cutText(printable(agent), 40) + (count > 1 ? ` ×${count}` : "")),
    );
  }
  return words;
}

function totals(progress: RunProgress, view: ViewSize): Segment[] {
  const { colors } = view;
  let total = progress.subTasks.total;
  let ended = progress.subTasks.ended;
  let failed = 0;
  for (const step of progress.steps.values()) {
    total += step.total;
    ended += step.completed + step.failed;
    if (step.status !== "cancelled") failed += step.failed;
  }
  const agents = new Set([...progress.running.values()].map((one) => one.agent)).size;
  const segments: Segment[] = [{ text: `   ${ended}/${total} tasks` }];
  const add = (text: string, style?: Segment["style"]) =>
    segments.push({ text: " · ", style: colors.dim }, { text, ...(style && { style }) });
  if (agents > 0) add(`${agents} ${agents === 1 ? "agent" : "agents"} at work`);
  if (progress.retrying.size > 0) add(`${progress.retrying.size} to retry`, colors.yellow);
  if (failed > 0) add(`${failed} failed`, colors.red);
  add(formatDuration((progress.finishedAtMs ?? view.nowMs) - progress.startedAtMs));
  if (progress.status === "running") segments.push({ text: "   Ctrl-C cancels", style: colors.dim });
  return segments;
}

/**
 * The steps that fit. Where there are more than rows, finished ones at the top and coming ones at the end
 * are summed up in a line each, so that what moves stays in sight.
 */
function stepRows(progress: RunProgress, capacity: number): (StepProgress | string)[] {
  const steps = [...progress.steps.values()];
  if (steps.length <= capacity) return steps;
  const isMoving = (step: StepProgress) => step.status === "running" || step.status === "failed";
  const moving = steps.filter(isMoving).slice(0, Math.max(1, capacity - 2));
  const room = Math.max(0, capacity - 2 - moving.length);
  const coming = steps.filter((step) => step.status === "pending").slice(0, room);
  const rest = steps.filter((step) => !moving.includes(step) && !coming.includes(step));
  const done = rest.filter((step) => step.status !== "pending" && !isMoving(step)).length;
  const more = rest.length - done;
  const rows: (StepProgress | string)[] = [...moving, ...coming];
  if (done > 0) rows.unshift(`${done} ${done === 1 ? "step" : "steps"} done`);
  if (more > 0) rows.push(`${more} more ${more === 1 ? "step" : "steps"}`);
  return rows.slice(0, capacity);
}
