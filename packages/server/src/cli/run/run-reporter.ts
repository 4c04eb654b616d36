import type { TextDelta } from "@muster/sdk/protocol";
import type { CliContext } from "../cli-context.ts";
import { fitLine } from "../render/fit-line.ts";
import { formatDuration } from "../render/format-duration.ts";
import { createLiveRegion, type LiveRegion } from "../render/live-region.ts";
import { printable } from "../render/printable.ts";
import { createLastWords } from "../render/speech-lines.ts";
import { progressLines, type ViewSize, waitingLine } from "./progress-lines.ts";
import type { ProgressFact, RunProgress, StepProgress } from "./run-progress.ts";

/** Shows a run to whoever looks at standard error: as a live view in a terminal, as plain lines elsewhere. */
export interface RunReporter {
  /** What is being done before the run begins or after it ended. */
  say(sentence: string): void;
  /** From here on the run is shown. */
  begin(progress: RunProgress): void;
  update(facts: readonly ProgressFact[]): void;
  /** What an agent says; where nobody could read it, it need not be asked for. */
  speak?(delta: TextDelta): void;
  /** Text that has to stay. */
  print(text: string): void;
  /** Ends the live view; what it last showed stays where a run was shown. */
  close(): void;
}

export function createRunReporter(context: CliContext): RunReporter {
  // Logs that MUSTER_DEBUG asks for and a view that is redrawn in place cannot share a terminal.
  const live = context.stderr.isTTY && !context.debug;
  return live ? createLiveReporter(context) : createPlainReporter(context);
}

const redrawMs = 120;

function createLiveReporter(context: CliContext): RunReporter {
  const { stderr } = context;
  const region: LiveRegion = createLiveRegion(stderr);
  let sentence: string | undefined;
  let progress: RunProgress | undefined;
  let closed = false;
  const lastWords = createLastWords();

  const draw = () => {
    const view: ViewSize = {
      nowMs: context.now(),
      columns: stderr.columns(),
      rows: stderr.rows(),
      colors: stderr.colors,
    };
    const width = Math.max(10, view.columns - 1);
    const words = closed ? "" : lastWords.line(width);
    const said = words === "" ? [] : [fitLine([{ text: words, style: view.colors.dim }], width)];
    if (progress)
      region.draw([...progressLines(progress, { ...view, rows: view.rows - said.length }), ...said]);
    else if (sentence !== undefined) region.draw([waitingLine(sentence, view)]);
  };
  const stopTicking = context.every(redrawMs, draw);
  const stopWatching = stderr.onResize(draw);

  return {
    say: (next) => {
      if (closed) {
        stderr.write(`${stderr.colors.dim(printable(next))}\n`);
        return;
      }
      sentence = next;
      if (progress) region.print(stderr.colors.dim(printable(next)));
      else draw();
    },
    begin: (run) => {
      progress = run;
      draw();
    },
    // Drawn by the next tick: a run of thousands of tasks has more facts than anybody can see.
    update: () => undefined,
    speak: (delta) => lastWords.add(delta),
    print: (text) => region.print(text),
    close: () => {
      if (closed) return;
      closed = true;
      stopTicking();
      stopWatching();
      if (progress) draw();
      else region.clear();
      region.close();
    },
  };
}

function createPlainReporter(context: CliContext): RunReporter {
  const { stderr } = context;
  const tenths = new Map<string, number>();
  const line = (text: string) => stderr.write(`${text}\n`);
  return {
    say: (sentence) => line(printable(sentence)),
    begin: (run) => line(`${printable(run.workflow)}: run ${run.runId} started`),
    update: (facts) => {
      for (const fact of facts) {
        const text = plainLine(fact, tenths);
        if (text !== undefined) line(text);
      }
    },
    print: line,
    close: () => undefined,
  };
}

/** A fan-out of fewer tasks is told by its start and its end alone. */
const smallFanOut = 5;

function plainLine(fact: ProgressFact, tenths: Map<string, number>): string | undefined {
  switch (fact.kind) {
    case "step-started":
      return `${describeStep(fact.step)} started${fact.step.total > 1 ? `: ${fact.step.total} tasks` : ""}`;
    case "step-advanced":
      return advancedLine(fact.step, tenths);
    case "step-finished":
      return finishedLine(fact.step);
    case "task-failed": {
      const what = fact.final ? "failed" : "failed and will be retried";
      const where = fact.step === null ? "" : `${fact.step}: `;
      return `${where}task ${fact.taskId} ${what}: ${printable(fact.error.message)}`;
    }
    case "run-finished":
      return undefined;
  }
}

function advancedLine(step: StepProgress, tenths: Map<string, number>): string | undefined {
  const ended = step.completed + step.failed;
  if (step.total < smallFanOut || ended === step.total) return undefined;
  const tenth = Math.floor((ended / step.total) * 10);
  if (tenth <= (tenths.get(step.name) ?? 0)) return undefined;
  tenths.set(step.name, tenth);
  return `${step.name}: ${ended} of ${step.total} (${tenth * 10} %)`;
}

function finishedLine(step: StepProgress): string {
  if (step.status === "skipped") return `${step.name} skipped${reason(step)}`;
  const took =
    step.startedAtMs === undefined || step.finishedAtMs === undefined
      ? ""
      : ` in ${formatDuration(step.finishedAtMs - step.startedAtMs)}`;
  const count = step.total > 1 ? `: ${step.completed} of ${step.total}` : "";
  const failed = step.failed > 0 && step.total > 1 ? `, ${step.failed} failed` : "";
  return `${step.name} ${step.status}${count}${failed}${took}${reason(step)}`;
}

function reason(step: StepProgress): string {
  return step.reason === null ? "" : ` (${printable(step.reason)})`;
}

function describeStep(step: StepProgress): string {
  return step.capability === null ? step.name : `${step.name} (${step.capability})`;
}
