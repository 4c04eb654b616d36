import { MusterError, Name, PersonName } from "@muster/sdk/protocol";
import Type from "typebox";
import type { Clock } from "../../ports/clock.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Log } from "../../ports/log.ts";
import type { Signals } from "../../ports/signals.ts";
import type { ApiKey, KeyService, Principal, Role } from "../orchestrator.ts";
import { addKey, findKey, type KeyRow, listKeys, lockFirstKey, revokeKey } from "../queue/statements/keys.ts";
import { findPerson } from "../queue/statements/people.ts";
import { isoTime, isoTimeOrNull } from "../task-view.ts";
import { isUuid, parse } from "../validate.ts";

/**
 * How long a node takes a key for what it was. The node that revokes a key tells the others, who forget at once; where
 * that signal is lost, they refuse the key after this long at the latest.
 */
const rememberMs = 5_000;
const revokedTopic = "keys.revoked";
const mostRemembered = 10_000;

const Request = Type.Object(
  {
    name: Name,
    role: Type.Enum(["admin", "client", "agent"]),
    tenant: Type.Union([Type.Literal("*"), Name]),
    person: Type.Optional(PersonName),
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
  ...(row.person_id === null ? {} : { personId: row.person_id }),
});

const principalOf = (row: KeyRow): Principal => ({
  tenant: row.tenant,
  role: row.role as Role,
  name: row.name,
  ...(row.person_id === null ? {} : { personId: row.person_id }),
});

export interface KeyServiceDependencies {
  database: Database;
  clock: Clock;
  ids: Ids;
  log: Log;
  signals?: Signals;
}

/**
 * API keys: shown once, kept as hashes. What a key may do is remembered in each node alone and never in what nodes
 * share: whoever could write there would make keys of their own.
 */
export function createKeyService(deps: KeyServiceDependencies): KeyService {
  const { database, clock, ids, log, signals } = deps;
  const remembered = new Map<string, { principal: Principal | null; until: number }>();
  const forget = (): void => remembered.clear();

  signals?.onGap(forget);
  signals?.subscribe(revokedTopic, forget).catch((error: unknown) => {
    log.warn({ error }, "This node is not told of revoked keys; it refuses them a few seconds later.");
  });

  function requireAdmin(principal: Principal): void {
    if (principal.role !== "admin") throw new MusterError("forbidden", "Only an admin may manage keys.");
  }

  async function add(
    name: string,
    role: Role,
    tenant: string,
    { store = database, person = null }: { store?: Queryable; person?: string | null } = {},
  ): Promise<ApiKey & { key: string }> {
    const key = `mk_${ids.secret()}`;
    const [row] = await store.query(addKey, [
      ids.next(),
      name,
      role,
      tenant,
      ids.fingerprint(key),
      clock.now(),
      person,
    ]);
    return { ...keyOf(row as KeyRow), key };
  }

  async function personFor(person: string, role: Role, tenant: string): Promise<string> {
    if (role === "agent") {
      throw new MusterError(
        "invalid_request",
        "A key of role agent can't be a person's: agents don't answer themselves.",
      );
    }
    const [found] = await database.query(findPerson, [tenant, null, person]);
    if (found !== undefined && tenant !== "*") return found.id;
    throw new MusterError("not_found", `There is no person ${person} in tenant ${tenant}.`, {
      hint: `Add one first: muster people add ${person}`,
    });
  }

  return {
    async authenticate(key) {
      const hash = ids.fingerprint(key);
      const known = remembered.get(hash);
      if (known !== undefined && known.until > clock.now()) return known.principal;
      const [row] = await database.query(findKey, [hash]);
      const principal = row === undefined ? null : principalOf(row);
      remembered.delete(hash);
      remembered.set(hash, { principal, until: clock.now() + rememberMs });
      if (remembered.size > mostRemembered) remembered.delete(remembered.keys().next().value as string);
      return principal;
    },
    async create(request, principal) {
      requireAdmin(principal);
      const { name, role, tenant, person } = parse(Request, request, "The key");
      if (principal.tenant !== "*" && tenant !== principal.tenant) {
        throw new MusterError(
          "forbidden",
          `An admin of tenant ${principal.tenant} can't make keys for ${tenant}.`,
        );
      }
      return add(name, role, tenant, {
        person: person === undefined ? null : await personFor(person, role, tenant),
      });
    },
    async list(principal) {
      requireAdmin(principal);
      return (await database.query(listKeys, [principal.tenant])).map(keyOf);
    },
    async revoke(id, principal) {
      requireAdmin(principal);
      const [row] = isUuid(id) ? await database.query(revokeKey, [id, principal.tenant, clock.now()]) : [];
      if (row === undefined) throw new MusterError("not_found", `There is no key ${id}.`);
      forget();
      signals?.publish(revokedTopic, null);
      return keyOf(row);
    },
    bootstrap: () =>
      database.transaction(async (tx) => {
        // Nodes that start together on an empty database make one key among them.
        await tx.query(lockFirstKey);
        const keys = await tx.query(listKeys, ["*"]);
        if (keys.some((key) => key.role === "admin")) return null;
        return (await add("first-admin", "admin", "*", { store: tx })).key;
      }),
  };
}
