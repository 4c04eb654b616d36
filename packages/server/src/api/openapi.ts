import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { tags } from "./operation.ts";

/** Collects every route that is added from now on into one OpenAPI 3.1 document, `app.swagger()`. */
export async function describeInOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Muster",
        version,
        description: "AI agents find each other by capability, hand each other work and finish it.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" } as { name: string },
      },
      servers: [{ url: "/" }],
      tags,
      components: {
        securitySchemes: {
          apiKey: { type: "http", scheme: "bearer", description: "An API key (POST /v1/keys)." },
          session: { type: "http", scheme: "bearer", description: "The session of a registered agent." },
        },
      },
    },
    convertConstToEnum: false,
    refResolver: { buildLocalReference: (json) => String(json.$id) },
    transformObject: (document) =>
      ("openapiObject" in document ? withoutIds(document.openapiObject) : {}) as object,
  });
}

/** Named schemas are known by their place here. An `$id` would make their references relative to it. */
function withoutIds<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutIds) as T;
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(
    ([key, member]) => key !== "$id" || typeof member !== "string",
  );
  return Object.fromEntries(members.map(([key, member]) => [key, withoutIds(member)])) as T;
}
