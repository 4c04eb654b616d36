import { MusterError } from "@muster/sdk/protocol";
import Type from "typebox";
import type { ApiContext, ApiServer } from "../api-context.ts";
import type { Finding } from "../readiness.ts";

const tag = "server";

const Liveness = Type.Object({ status: Type.Literal("ok") }, { $id: "Liveness" });
const Readiness = Type.Object(
  {
    status: Type.Enum(["ready", "degraded"], {
      description:
        "degraded: work is taken and shown, and is handed on when what is away is back. Send requests all the same.",
    }),
    away: Type.Optional(Type.Array(Type.String(), { description: "What is away, where it is degraded." })),
    checks: Type.Optional(
      Type.Array(
        Type.Object({
          name: Type.String(),
          ok: Type.Boolean(),
          needed: Type.Boolean({ description: "Without it the node is not ready." }),
          reason: Type.Optional(Type.String()),
          tookMs: Type.Integer(),
        }),
        { description: "Only where `verbose` was asked for." },
      ),
    ),
  },
  { $id: "Readiness" },
);
const ReadinessQuery = Type.Object(
  { verbose: Type.Optional(Type.String({ description: "List each check; any value, or none." })) },
  { additionalProperties: false },
);

/** What load balancers and supervisors ask. Anybody may, so the answers name no address and no user. */
export function addHealthRoutes(app: ApiServer, { operation, closing, readiness }: ApiContext): void {
  app.get(
    "/livez",
    operation({
      id: "getLiveness",
      tag,
      access: "public",
      summary: "Whether the process turns. A supervisor restarts it where this fails.",
      answer: { status: 200, schema: Liveness },
    }),
    async () => ({ status: "ok" as const }),
  );
  app.get(
    "/readyz",
    operation({
      id: "getReadiness",
      tag,
      access: "public",
      summary:
        "Whether it should get requests: the database is there, and it is not about to stop. It says what else is away.",
      querystring: ReadinessQuery,
      answer: { status: 200, schema: Readiness },
    }),
    async ({ query }) => {
      const verbose = query.verbose !== undefined;
      if (closing.draining) throw notReady([], "the server is about to stop", verbose);
      const checks = await readiness();
      const failed = checks.filter(({ ok }) => !ok);
      const reasons = failed.map(({ name, reason }) => `${name} ${reason}`).join(", ");
      if (failed.some(({ needed }) => needed)) throw notReady(checks, reasons, verbose);
      const details = verbose ? { checks: [...checks] } : {};
      if (failed.length === 0) return { status: "ready" as const, ...details };
      return { status: "degraded" as const, away: failed.map(({ name }) => name), ...details };
    },
  );
}

function notReady(checks: readonly Finding[], reasons: string, verbose: boolean): MusterError {
  const errors = checks.map(({ name, reason, tookMs }) => ({
    path: name,
    message: `${reason ?? "answers"} (${tookMs} ms)`,
  }));
  return new MusterError("unavailable", `Not ready: ${reasons}.`, {
    hint: "Send requests to another node for now.",
    ...(verbose && errors.length > 0 ? { errors } : {}),
  });
}
