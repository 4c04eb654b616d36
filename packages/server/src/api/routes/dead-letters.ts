import { DeadLetter, DeadLetterFilter, DeadLetterReport, DeadLetterSelection } from "@muster/sdk/protocol";
import Type from "typebox";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { pageOf } from "../operation.ts";
import { PageQuery } from "./request-schemas.ts";

const access = ["admin", "client"] as const;
const tag = "retries";

const DeadLetterQuery = Type.Object(
  { ...DeadLetterFilter.properties, ...PageQuery },
  { additionalProperties: false },
);

export function addDeadLetterRoutes(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { deadLetters } = orchestrator;
  app.get(
    "/v1/dead-letters",
    operation({
      id: "listDeadLetters",
      tag,
      access,
      summary: "Tasks that failed for good, by themselves, and that nobody has seen to; newest first.",
      querystring: DeadLetterQuery,
      answer: { status: 200, schema: pageOf(DeadLetter) },
    }),
    ({ query, principal }) => deadLetters.list(query, principal),
  );
  app.post(
    "/v1/dead-letters/retry",
    operation({
      id: "retryDeadLetters",
      tag,
      access,
      summary: "Give up to 100 of them their attempts back, with the parents and runs that failed with them.",
      body: DeadLetterSelection,
      answer: { status: 200, schema: DeadLetterReport },
    }),
    ({ body, principal }) => deadLetters.retry(body, principal),
  );
  app.post(
    "/v1/dead-letters/drop",
    operation({
      id: "dropDeadLetters",
      tag,
      access,
      summary: "Take up to 100 of them off the list; their tasks stay failed.",
      body: DeadLetterSelection,
      answer: { status: 200, schema: DeadLetterReport },
    }),
    ({ body, principal }) => deadLetters.drop(body, principal),
  );
}
