import { limits, MusterError, PersonName } from "@muster/sdk/protocol";
import Type from "typebox";
import type { Principal } from "../../core/orchestrator.ts";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { listOf } from "../operation.ts";

const access = ["admin"] as const;
const tag = "keys";

/** Whose work it is where nobody said so. */
const defaultTenant = "default";

const Role = Type.Enum(["admin", "client", "agent"], {
  $id: "Role",
  description: "`agent` joins as an agent, `client` hands in and watches work, `admin` does everything.",
});

const ApiKey = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    role: Role,
    tenant: Type.String({ description: "Whose work it sees; `*` for everybody's." }),
    createdAt: Type.String({ format: "date-time" }),
    revokedAt: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
    personId: Type.Optional(Type.String({ description: "Left out where it is no person's." })),
  },
  { $id: "ApiKey" },
);

const NewApiKey = Type.Object(
  {
    ...ApiKey.properties,
    key: Type.String({ description: "The key itself: in this answer and nowhere else." }),
  },
  { $id: "NewApiKey" },
);

const KeyRequest = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: limits.nameLength,
      description: "For people to tell keys apart.",
    }),
    role: Role,
    tenant: Type.Optional(
      Type.String({
        maxLength: limits.nameLength,
        pattern: "^(\\*|[A-Za-z0-9][A-Za-z0-9._:/-]*)$",
        description: "The asking key's own where it is left out, or `default` where that is `*`.",
      }),
    ),
    person: Type.Optional(
      Type.Unsafe<string>({
        ...PersonName,
        description: "Whose key it is: in the inbox it acts as this person.",
      }),
    ),
  },
  { $id: "KeyRequest", additionalProperties: false },
);

const KeyId = Type.Object(
  { id: Type.String({ minLength: 1, maxLength: limits.nameLength }) },
  { additionalProperties: false },
);

export function addKeyRoutes(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { keys } = orchestrator;
  app.post(
    "/v1/keys",
    operation({
      id: "createKey",
      tag,
      access,
      summary: "Create an API key.",
      body: KeyRequest,
      answer: { status: 201, schema: NewApiKey },
    }),
    async ({ body, principal }, reply) => {
      const tenant = tenantFor(principal, body.tenant);
      return reply.code(201).send(await keys.create({ ...body, tenant }, principal));
    },
  );
  app.get(
    "/v1/keys",
    operation({
      id: "listKeys",
      tag,
      access,
      summary: "All API keys, without the keys themselves.",
      answer: { status: 200, schema: listOf(ApiKey) },
    }),
    async ({ principal }) => ({ items: await keys.list(principal) }),
  );
  app.delete(
    "/v1/keys/:id",
    operation({
      id: "revokeKey",
      tag,
      access,
      summary: "Revoke an API key, for good.",
      params: KeyId,
      answer: { status: 200, schema: ApiKey },
    }),
    ({ params, principal }) => keys.revoke(params.id, principal),
  );
}

function tenantFor(principal: Principal, wanted: string | undefined): string {
  if (principal.tenant === "*") return wanted ?? defaultTenant;
  if (wanted === undefined || wanted === principal.tenant) return principal.tenant;
  throw new MusterError("forbidden", `An admin of ${principal.tenant} can't create keys of another tenant.`, {
    hint: "Leave the tenant out, or use an admin key of the tenant *.",
  });
}
