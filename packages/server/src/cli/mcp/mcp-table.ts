import type { CliStream } from "../cli-context.ts";
import { printable } from "../render/printable.ts";
import { renderTable } from "../render/table.ts";
import type { SeenServer } from "./look-at-servers.ts";

const mostTools = 30;

/** A line for each server, and below it what it runs and what there is to say. */
export function mcpTable({ colors, columns }: CliStream, servers: readonly SeenServer[]): string {
  const table = renderTable(
    [
      { title: "NAME", value: (one: SeenServer) => one.named.name, shrinks: true },
      {
        title: "APPROVED",
        value: (one) => (one.isApproved ? "yes" : "no"),
        style: (text, one) => (one.isApproved ? colors.green(text) : colors.yellow(text)),
      },
      { title: "STATE", value: stateOf },
      { title: "DIGEST", value: ({ digest }) => digest.slice(0, 12) },
      { title: "FILE", value: ({ file }) => file, shrinks: true },
    ],
    servers,
    columns(),
    colors.dim,
  );
  const [title = "", ...lines] = table.trimEnd().split("\n");
  const told = servers.flatMap((server, at) => [
    lines[at] ?? "",
    ...details(server).map((one) => `    ${printable(one)}`),
  ]);
  return `${[title, ...told].join("\n")}\n`;
}

const stateOf = ({ running }: SeenServer): string =>
  running.length === 0 ? "not running" : [...new Set(running.map(({ status }) => status))].join(", ");

function details({ named, entry, variables, agent, isApproved, running }: SeenServer): string[] {
  const given = named.entry.type === "stdio" ? "variables" : "headers";
  const tools = [...new Set(running.flatMap((one) => one.tools))];
  const more = tools.length > mostTools ? `, and ${tools.length - mostTools} more` : "";
  return [
    `${named.entry.type === "stdio" ? "runs" : "connects to"} ${entry}`,
    ...(variables.length === 0 ? [] : [`${given}: ${variables.join(", ")}`]),
    ...(agent === null ? [] : [`for the agent ${agent} alone`]),
    ...(tools.length === 0 ? [] : [`tools: ${tools.slice(0, mostTools).join(", ")}${more}`]),
    ...(isApproved
      ? [...new Set(running.flatMap(({ notes }) => notes))]
      : [`approve it with: muster mcp approve ${named.name}`]),
  ];
}
