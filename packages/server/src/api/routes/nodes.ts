import { DatabaseFacts } from "@muster/sdk/protocol";
import Type from "typebox";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { listOf } from "../operation.ts";

const Node = Type.Object(
  {
    id: Type.String({ description: "Another one after every start." }),
    name: Type.String(),
    url: Type.Union([Type.String(), Type.Null()], { description: "Where others reach it." }),
    version: Type.String(),
    startedAt: Type.String({ format: "date-time" }),
    lastSeen: Type.String({ format: "date-time" }),
  },
  { $id: "Node" },
);

export function addNodeRoutes(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  app.get(
    "/v1/nodes",
    operation({
      id: "listNodes",
      tag: "server",
      access: ["admin"],
      summary: "The nodes that work on this database, for admins of all tenants.",
      answer: { status: 200, schema: listOf(Node) },
    }),
    async ({ principal }) => ({ items: await orchestrator.nodes.list(principal) }),
  );
  app.get(
    "/v1/database",
    operation({
      id: "getDatabase",
      tag: "server",
      access: ["admin"],
      summary: "What database the nodes work on, for admins of all tenants.",
      answer: { status: 200, schema: DatabaseFacts },
    }),
    ({ principal }) => orchestrator.nodes.database(principal),
  );
}
