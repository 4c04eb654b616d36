import type { NodeInfo } from "@muster/sdk";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { formatAge } from "../render/format-duration.ts";
import { type Column, renderTable } from "../render/table.ts";

type Options = ConnectOptions & { json?: boolean };

export function addNodesCommand(program: Command, context: CliContext): void {
  const command = defineCommand(program, "nodes", {
    summary: "list the nodes that work as one",
    description: "Lists the nodes of the cluster that were heard of within the last half minute.",
    examples: [["muster nodes", "their names, addresses and versions"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, (_, options) =>
    withConnection(connect(context, options), async (client) => {
      const nodes = await client.nodes.list();
      if (options.json) printJson(context, nodes);
      else context.stdout.write(table(context, nodes));
      return undefined;
    }),
  );
}

function table(context: CliContext, nodes: readonly NodeInfo[]): string {
  const now = context.now();
  const columns: Column<NodeInfo>[] = [
    { title: "NAME", value: ({ name }) => name },
    { title: "URL", value: ({ url }) => url ?? "-" },
    { title: "VERSION", value: ({ version }) => version },
    { title: "STARTED", value: ({ startedAt }) => formatAge(startedAt, now) },
    { title: "SEEN", value: ({ lastSeen }) => formatAge(lastSeen, now) },
  ];
  return renderTable(columns, nodes, context.stdout.columns(), context.stdout.colors.dim);
}
