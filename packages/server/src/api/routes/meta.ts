import { MusterError } from "@muster/sdk/protocol";
import Type from "typebox";
import type { ApiContext, ApiServer } from "../api-context.ts";

const tag = "server";
/** A store that does not answer for this long is not ready. */
const readinessMs = 2_000;

const Health = Type.Object({ status: Type.Literal("ok") }, { $id: "Health" });
const Info = Type.Object(
  {
    name: Type.Literal("muster"),
    version: Type.String(),
    latestEvent: Type.Integer({ description: "Number of the newest event." }),
  },
  { $id: "Info" },
);

export function addMetaRoutes(app: ApiServer, context: ApiContext): void {
  const { orchestrator, operation, version, closing } = context;
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
    "/healthz",
    operation({
      id: "getHealth",
      tag,
      access: "public",
      summary: "Whether the process is alive.",
      answer: { status: 200, schema: Health },
    }),
    async () => ({ status: "ok" }),
  );
  app.get(
    "/readyz",
    operation({
      id: "getReadiness",
      tag,
      access: "public",
      summary: "Whether it can take work: the store answers, and it is not about to close.",
      answer: { status: 200, schema: Health },
    }),
    async () => {
      if (closing.begun || !(await answersInTime(orchestrator.events.latest()))) {
        throw new MusterError("unavailable", "The server is not ready.", { hint: "Try again in a moment." });
      }
      return { status: "ok" };
    },
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

async function answersInTime(work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), readinessMs);
  });
  const answered = work.then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
  }
}
