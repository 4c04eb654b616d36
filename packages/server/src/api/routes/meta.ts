import Type from "typebox";
import type { ApiContext, ApiServer } from "../api-context.ts";

const tag = "server";
const Info = Type.Object(
  {
    name: Type.Literal("muster"),
    version: Type.String(),
    latestEvent: Type.Integer({ description: "Number of the newest event." }),
  },
  { $id: "Info" },
);

export function addMetaRoutes(app: ApiServer, context: ApiContext): void {
  const { orchestrator, operation, version } = context;
  app.get(
    "/v1/info",
    operation({
      id: "getInfo",
      tag,
      access: ["admin", "client", "agent"],
      summary: "What is running here.",
      answer: { status: 200, schema: Info },
    }),
    async () => ({ name: "muster", version, latestEvent: await orchestrator.events.latest() }),
  );
  app.get(
    "/openapi.json",
    operation({
      id: "getOpenApi",
      tag,
      access: "public",
      summary: "This document.",
      answer: { status: 200, schema: Type.Record(Type.String(), Type.Unknown()) },
    }),
    async () => app.swagger(),
  );
}
