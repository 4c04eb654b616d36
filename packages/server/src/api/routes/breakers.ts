import { Breaker, BreakerClosing, BreakerOpening, BreakerState } from "@muster/sdk/protocol";
import Type from "typebox";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { listOf } from "../operation.ts";
import { AgentId } from "./request-schemas.ts";

const tag = "agents";
const readers = ["admin", "client", "agent"] as const;

const BreakerQuery = Type.Object({ state: Type.Optional(BreakerState) }, { additionalProperties: false });

export function addBreakerRoutes(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { breakers } = orchestrator;
  const one = { tag, params: AgentId, answer: { status: 200, schema: Breaker } } as const;
  app.get(
    "/v1/breakers",
    operation({
      id: "listBreakers",
      tag,
      access: readers,
      summary: "The breakers of live agents, and those of others that are not closed; open ones first.",
      querystring: BreakerQuery,
      answer: { status: 200, schema: listOf(Breaker) },
    }),
    async ({ query, principal }) => ({ items: await breakers.list(query, principal) }),
  );
  app.get(
    "/v1/breakers/:id",
    operation({ ...one, id: "getBreaker", access: readers, summary: "The breaker of one agent." }),
    ({ params, principal }) => breakers.get(params.id, principal),
  );
  app.post(
    "/v1/breakers/:id/open",
    operation({
      ...one,
      id: "openBreaker",
      access: ["admin"],
      summary: "Give an agent no more work, for a time or until its breaker is closed.",
      body: BreakerOpening,
    }),
    ({ params, body, principal }) => breakers.open(params.id, body, principal),
  );
  app.post(
    "/v1/breakers/:id/close",
    operation({
      ...one,
      id: "closeBreaker",
      access: ["admin"],
      summary: "Give an agent work again; what it did before is not held against it any more.",
      body: BreakerClosing,
    }),
    ({ params, body, principal }) => breakers.close(params.id, body, principal),
  );
}
