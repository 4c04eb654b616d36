import {
  type Forgotten,
  limits,
  type Memory,
  MemoryFilter,
  MemoryPlace,
  MemoryRequest,
  MusterError,
  type Recall,
  RecallRequest,
  type Remembered,
} from "@muster/sdk/protocol";
import type { Database, SqlValue } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import { leaseLost } from "../gateway/lease-lost.ts";
import type { Page, Principal, TaskLease } from "../orchestrator.ts";
import { findLeaseTenant } from "../queue/statements/find-lease-tenant.ts";
import {
  forgetMemory,
  forgetSpace,
  listAllMemories,
  listMemories,
  type MemoryRow,
  readMemories,
  rememberMemory,
} from "../queue/statements/memories.ts";
import { isUuid, parse, payload } from "../validate.ts";
import { createMeaning, type MeaningDependencies, type Meant } from "./meaning.ts";
import type { Memories, MemoryService } from "./memories.ts";
import { createMemoryRoom } from "./memory-room.ts";
import { memoryOf } from "./memory-view.ts";
import { nearCodeOf } from "./near-code.ts";
import type { Nearness } from "./nearness.ts";
import { createRecall } from "./recall.ts";
import { type Actor, spaceFor, spacesFor } from "./spaces.ts";

export interface MemoryDependencies extends MeaningDependencies {
  database: Database;
  ids: Ids;
  nearness: Nearness;
}

/** An actor with the lease under which it acts, as statements take it. */
interface Leased extends Actor {
  lease: [task: string | null, token: string | null, agent: string | null];
}

const noLease: Leased["lease"] = [null, null, null];

/**
 * Memories: texts that agents and people want to find again, by their words and by their meaning. Each belongs to the
 * agents of one name, to a project or to the whole tenant. The same text in the same place is one memory. A call of an
 * agent acts for the tenant whose task it works on, and proves its lease.
 */
export function createMemoryService(deps: MemoryDependencies): MemoryService {
  const { database, clock, ids } = deps;
  const checkRoom = createMemoryRoom(database, clock);
  const meaningOf = createMeaning(deps);
  const recall = createRecall({ ...deps, meaningOf });

  async function actorUnder({ taskId, leaseToken, agentId }: TaskLease, name: string): Promise<Leased> {
    const proven = isUuid(taskId) && isUuid(leaseToken);
    const [row] = proven ? await database.query(findLeaseTenant, [taskId, leaseToken, agentId]) : [];
    if (row === undefined) throw leaseLost(taskId);
    const lease: Leased["lease"] = [taskId, leaseToken, agentId];
    return { tenant: row.tenant, by: agentId, agent: name, isAdmin: false, lease };
  }

  async function remember(find: () => Promise<Leased>, wanted: MemoryRequest): Promise<Remembered> {
    const { text, metadata, ttlMs, ...named } = checked(wanted);
    const actor = await find();
    const space = spaceFor(actor, named);
    await checkRoom(actor.tenant);
    const meant = await meaningOf(text);
    const now = clock.now();
    const [row] = await database.query(rememberMemory, [
      ids.next(),
      actor.tenant,
      space,
      text,
      metadata === undefined ? null : JSON.stringify(metadata),
      sameAs(text),
      now,
      actor.by,
      ttlMs === undefined ? null : now + ttlMs,
      ...embeddingOf(meant),
      ...actor.lease,
    ]);
    if (row === undefined) throw leaseLost(String(actor.lease[0]));
    return { memory: memoryOf(row), created: row.created };
  }

  async function list(actor: Actor, filter: MemoryFilter): Promise<Page<Memory>> {
    const { scope, before = null, limit = 50, ...named } = filter;
    const page: SqlValue[] = [before, limit, clock.now()];
    const isNamed = named.agent !== undefined || named.project !== undefined || actor.agent !== null;
    let rows: MemoryRow[];
    if (isNamed && scope === undefined)
      rows = await database.query(listMemories, [actor.tenant, spacesFor(actor, named), ...page]);
    else if (isNamed)
      rows = await database.query(listMemories, [actor.tenant, [spaceFor(actor, filter)], ...page]);
    else rows = await database.query(listAllMemories, [actor.tenant, scopesOf(actor, scope), ...page]);
    return { items: rows.map(memoryOf), next: rows.length < limit ? null : (rows.at(-1)?.id ?? null) };
  }

  function memoriesOf(find: () => Promise<Leased>): Memories {
    return {
      remember: (request) => remember(find, request),
      async recall(request): Promise<Recall> {
        const { query, limit = 10, metadata, scopes, minSimilarity, ...named } = checkedRecall(request);
        const actor = await find();
        const spaces = spacesFor(actor, named, scopes);
        return recall({ tenant: actor.tenant, spaces, query, limit, metadata, minSimilarity });
      },
      async get(id) {
        const { tenant, isAdmin } = await find();
        const rows = isUuid(id) ? await database.query(readMemories, [tenant, null, [id], clock.now()]) : [];
        const memory = rows.map(memoryOf).find(({ scope }) => isAdmin || scope !== "agent");
        if (memory === undefined) throw noMemory(id);
        return memory;
      },
      async forget(id): Promise<Forgotten> {
        const actor = await find();
        if (!isUuid(id)) return { forgotten: 0 };
        const spaces = await spacesOfOne(actor, id);
        const rows = await database.query(forgetMemory, [actor.tenant, spaces, id, ...actor.lease]);
        return { forgotten: rows.length };
      },
      async forgetAll(place): Promise<Forgotten> {
        const actor = await find();
        const space = spaceFor(actor, parse(MemoryPlace, place, "The place"));
        const rows = await database.query(forgetSpace, [actor.tenant, space, limits.memoriesForgotten]);
        return { forgotten: rows.length };
      },
      list: async (filter) => list(await find(), parse(MemoryFilter, filter, "The filter")),
    };
  }

  /** The spaces in which whoever it is may forget this memory; null: all. */
  async function spacesOfOne(actor: Actor, id: string): Promise<string[] | null> {
    if (actor.isAdmin) return null;
    const [row] = await database.query(readMemories, [actor.tenant, null, [id], clock.now()]);
    const { space = "" } = row ?? {};
    const isAnothers = space.startsWith("agent:") && space !== `agent:${actor.agent}`;
    return isAnothers ? [] : [space];
  }

  return {
    of({ tenant, role, name }: Principal) {
      const actor = { by: name, agent: null, isAdmin: role === "admin", lease: noLease };
      return memoriesOf(async () => ({ tenant: tenant === "*" ? "default" : tenant, ...actor }));
    },
    under: (lease, agentName) => memoriesOf(() => actorUnder(lease, agentName)),
  };
}

/** As the statement takes it: the model, the vector, and how searches see it. */
function embeddingOf(meant: Meant): SqlValue[] {
  if (meant.model === null) return ["", null, null, null, null];
  const { signs, scale, codes } = nearCodeOf(meant.vector);
  return [meant.model, meant.vector, signs, scale, codes];
}

/** What a listing shows that names nothing. */
const scopesOf = ({ isAdmin }: Actor, scope: MemoryFilter["scope"]): string[] => {
  const visible = isAdmin ? ["agent", "project", "global"] : ["project", "global"];
  if (scope === undefined) return visible;
  if (visible.includes(scope)) return [scope];
  throw new MusterError("forbidden", "The memories of agents are their own.", {
    hint: "List the other scopes, or use a key with the role admin.",
  });
};

/** What makes two texts the same: everything but how their words are set apart. */
const sameAs = (text: string): string => text.normalize("NFC").trim().replace(/\s+/g, " ");

function checked(request: MemoryRequest): MemoryRequest {
  const wanted = payload(parse(MemoryRequest, request, "The memory"), "The memory");
  if (sameAs(wanted.text) === "") {
    throw new MusterError("invalid_request", "The text of a memory is empty.", {
      hint: "Say in words what is to be remembered.",
    });
  }
  const bytes = new TextEncoder().encode(JSON.stringify(wanted.metadata ?? {})).length;
  if (bytes > limits.memoryMetadataBytes) {
    throw new MusterError(
      "payload_too_large",
      `The metadata take ${bytes} bytes; ${limits.memoryMetadataBytes} are allowed.`,
      { hint: "Keep large data in an artifact or a state document, and its name here." },
    );
  }
  return wanted;
}

const checkedRecall = (request: RecallRequest): RecallRequest =>
  payload(parse(RecallRequest, request, "The question"), "The question");

const noMemory = (id: string): MusterError =>
  new MusterError("not_found", `There is no memory ${id}.`, {
    hint: "It was forgotten, has expired, or belongs to an agent. See: muster memory list",
  });
