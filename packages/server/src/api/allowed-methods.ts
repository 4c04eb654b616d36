import { MusterError } from "@muster/sdk/protocol";
import type { FastifyInstance } from "fastify";

interface Route {
  pattern: RegExp;
  methods: Set<string>;
}

/**
 * Tells a wrong method from a wrong address: where other methods of the same address exist, the answer is 405
 * with `Allow` instead of 404. Call it before the routes are added.
 */
export function answerWrongMethods(app: FastifyInstance): void {
  const routes = new Map<string, Route>();
  app.addHook("onRoute", ({ url, method }) => {
    const route = routes.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() };
    for (const name of [method].flat()) route.methods.add(name);
    routes.set(url, route);
  });
  app.addHook("onRequest", async (request, reply) => {
    if (!request.is404) return;
    const path = request.url.split("?", 1)[0] ?? "";
    const matching = [...routes.values()].filter((route) => route.pattern.test(path));
    if (matching.length === 0) return;
    const allowed = [...new Set(matching.flatMap((route) => [...route.methods]))].sort();
    reply.header("allow", allowed.join(", "));
    throw new MusterError("method_not_allowed", `${request.method} is not possible here.`, {
      hint: `Possible here: ${allowed.join(", ")}.`,
    });
  });
}

function patternOfPart(part: string): string {
  if (part === "*") return ".+";
  return part.startsWith(":") ? "[^/]+" : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

const patternOf = (url: string): RegExp => new RegExp(`^${url.split("/").map(patternOfPart).join("/")}$`);
