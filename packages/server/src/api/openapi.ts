import swagger from "@fastify/swagger";
import type { FastifyInstance, FastifySchema } from "fastify";
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
    transform: ({ schema, url, route }) =>
      describeFiles(underOwnId(schema), url, route.config?.takesFile === true),
    refResolver: { buildLocalReference: (json) => String(json.$id) },
    transformObject: (document) =>
      ("openapiObject" in document ? withoutIds(document.openapiObject) : {}) as object,
  });
}

/** What the rest of an address is called, for those who read of it. */
const restName = (url: string): string => (url.startsWith("/v1/state") ? "path" : "key");

/** The plugin takes a HEAD for a copy of its GET and marks its id; those that are described have ids of their own. */
function underOwnId(schema: FastifySchema): FastifySchema {
  if (schema?.operationId === undefined) return schema;
  return { ...schema, operationId: schema.operationId.replace(/-head$/, "") };
}

/** The rest of an address is one parameter to a reader; a file in a body is no schema to validate, but part of the document. */
function describeFiles(schema: FastifySchema, url: string, takesFile: boolean) {
  const body = { content: { "application/octet-stream": { schema: { type: "string", format: "binary" } } } };
  const described = takesFile ? { ...schema, body } : schema;
  const params = schema?.params as { properties: Record<string, object>; required: string[] } | undefined;
  if (!url.endsWith("/*") || params === undefined) return { schema: described, url };
  const { "*": rest = {}, ...others } = params.properties;
  const restCalled = restName(url);
  const named = {
    ...params,
    properties: { ...others, [restCalled]: rest },
    required: params.required.map((name) => (name === "*" ? restCalled : name)),
  };
  return { schema: { ...described, params: named }, url: `${url.slice(0, -1)}:${restCalled}` };
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
