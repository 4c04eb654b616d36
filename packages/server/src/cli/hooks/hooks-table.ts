import type { CliStream } from "../cli-context.ts";
import { printable } from "../render/printable.ts";
import { renderTable } from "../render/table.ts";
import type { SeenHook } from "./look-at-hooks.ts";

const consents = { approved: "yes", changed: "no: changed", unapproved: "no" } as const;

/** A line for each hook, and below it what it runs and what there is to say. */
export function hooksTable({ colors, columns }: CliStream, hooks: readonly SeenHook[]): string {
  const style = { approved: colors.green, changed: colors.red, unapproved: colors.yellow };
  const table = renderTable(
    [
      { title: "ID", value: (one: SeenHook) => one.key },
      { title: "EVENT", value: ({ hook }) => hook.event },
      { title: "MATCHER", value: ({ hook }) => printable(hook.matcher ?? "*"), shrinks: true },
      {
        title: "APPROVED",
        value: ({ consent }) => consents[consent],
        style: (text, { consent }) => style[consent](text),
      },
      {
        title: "FILE",
        value: ({ hook, source }) => (hook.line === null ? source.file : `${source.file}:${hook.line}`),
        shrinks: true,
      },
    ],
    hooks,
    columns(),
    colors.dim,
  );
  const [title = "", ...lines] = table.trimEnd().split("\n");
  const told = hooks.flatMap((hook, at) => [
    lines[at] ?? "",
    ...details(hook).map((one) => `    ${printable(one)}`),
  ]);
  return `${[title, ...told].join("\n")}\n`;
}

function details({ hook, source, key, consent, files, obstacle }: SeenHook): string[] {
  return [
    `runs ${hook.command}`,
    obstacle === null
      ? `covers ${files.length === 0 ? "the command alone" : `the command and ${files.map(({ path }) => path).join(", ")}`}`
      : `can't be approved: ${obstacle}`,
    ...(hook.blocksOnFailure ? ["a failure of it refuses, too"] : []),
    ...(source.agent === null ? [] : [`for the agent ${source.agent} alone`]),
    ...(consent === "changed" && hook.event === "PreToolUse" ? ["the calls that it guards are refused"] : []),
    ...(consent === "approved" || obstacle !== null ? [] : [`approve it with: muster hooks approve ${key}`]),
  ];
}
