import { MusterError } from "@muster/sdk/protocol";
import type { ApiContext, ApiServer } from "../api-context.ts";

/** Numbers of this node, for a collector that asks again and again. They are of all tenants. */
export function addMetricsRoute(app: ApiServer, { operation, metrics }: ApiContext): void {
  app.get(
    "/metrics",
    operation({
      id: "getMetrics",
      tag: "server",
      access: ["admin"],
      summary: "Numbers of this node in the text format of Prometheus, for admins of all tenants.",
      answer: { status: 200, schema: "The numbers." },
    }),
    async ({ principal }, reply) => {
      if (principal.tenant !== "*")
        throw new MusterError("forbidden", "Metrics are of all tenants, for their admins.", {
          hint: "Use an admin key of the tenant *.",
        });
      return reply.type("text/plain; version=0.0.4; charset=utf-8").send(await metrics());
    },
  );
}
