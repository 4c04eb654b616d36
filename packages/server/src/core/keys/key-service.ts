import { MusterError, Name } from "@muster/sdk/protocol";
import Type from "typebox";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { ApiKey, KeyService, Principal, Role } from "../orchestrator.ts";
import { addKey, findKey, type KeyRow, listKeys, revokeKey } from "../queue/statements/keys.ts";
import { isoTime, isoTimeOrNull } from "../task-view.ts";
import { isUuid, parse } from "../validate.ts";

/** A revoked key is refused after this long at the latest, on the nodes that did not revoke it. */
const rememberMs = 5_000;
const mostRemembered = 10_000;

const Request = Type.Object(
  {
    name: Name,
    role: Type.Enum(["admin", "client", "agent"]),
    tenant: Type.Union([Type.Literal("*"), Name]),
  },
  { additionalProperties: false },
);

const keyOf = (row: KeyRow): ApiKey => ({
  id: row.id,
  name: row.name,
  role: row.role as Role,
  tenant: row.tenant,
  createdAt: isoTime(row.created_at),
  revokedAt: isoTimeOrNull(row.revoked_at),
});

/** API keys: shown once, kept as hashes. */
export function createKeyService(database: Database, clock: Clock, ids: Ids): KeyService {
  const remembered = new Map<string, { principal: Principal | null; until: number }>();

  function requireAdmin(principal: Principal): void {
    if (principal.role !== "admin") throw new MusterError("forbidden", "Only an admin may manage keys.");
  }

  async function add(name: string, role: Role, tenant: string): Promise<ApiKey & { key: string }> {
    const key = `mk_${ids.secret()}`;
    const [row] = await database.query(addKey, [
      ids.next(),
      name,
      role,
      tenant,
      ids.fingerprint(key),
      clock.now(),
    ]);
    return { ...keyOf(row as KeyRow), key };
  }

  return {
    async authenticate(key) {
      const hash = ids.fingerprint(key);
      const known = remembered.get(hash);
      if (known !== undefined && known.until > clock.now()) return known.principal;
      const [row] = await database.query(findKey, [hash]);
      const principal =
        row === undefined ? null : { tenant: row.tenant, role: row.role as Role, name: row.name };
      remembered.delete(hash);
      remembered.set(hash, { principal, until: clock.now() + rememberMs });
      if (remembered.size > mostRemembered) remembered.delete(remembered.keys().next().value as string);
      return principal;
    },
    async create(request, principal) {
      requireAdmin(principal);
      const { name, role, tenant } = parse(Request, request, "The key");
      if (principal.tenant !== "*" && tenant !== principal.tenant) {
        throw new MusterError(
          "forbidden",
          `An admin of tenant ${principal.tenant} can't make keys for ${tenant}.`,
        );
      }
      return add(name, role, tenant);
    },
    async list(principal) {
      requireAdmin(principal);
      return (await database.query(listKeys, [principal.tenant])).map(keyOf);
    },
    async revoke(id, principal) {
      requireAdmin(principal);
      const [row] = isUuid(id) ? await database.query(revokeKey, [id, principal.tenant, clock.now()]) : [];
      if (row === undefined) throw new MusterError("not_found", `There is no key ${id}.`);
      remembered.clear();
      return keyOf(row);
    },
    async bootstrap() {
      const keys = await database.query(listKeys, ["*"]);
      if (keys.some((key) => key.role === "admin")) return null;
      return (await add("first-admin", "admin", "*")).key;
    },
  };
}
