import {
  type Json,
  limits,
  MusterError,
  ProjectName,
  type StateConflict,
  type StateDiff,
  type StateDocument,
  StateFilter,
  StatePath,
  StateWrite,
  type StateWritten,
} from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Announce } from "../aftermath.ts";
import { leaseLost } from "../gateway/lease-lost.ts";
import { createGroup, type NextTurn } from "../group.ts";
import type { EventService, StateService, StateSpace, TaskLease } from "../orchestrator.ts";
import { findLeaseTenant } from "../queue/statements/find-lease-tenant.ts";
import {
  findStateProject,
  listState,
  listStateProjects,
  listStateVersions,
  readStateHeads,
  readStateVersions,
} from "../queue/statements/state.ts";
import { isoTime, isoTimeOrNull } from "../task-view.ts";
import { isUuid, parse } from "../validate.ts";
import { diffJson } from "./diff-json.ts";
import { apply, checkWrite, isOutdated, noDocument } from "./evaluate-write.ts";
import { proveGrants } from "./prove-grants.ts";
import { createStateChanges } from "./state-changes.ts";
import { createWriteTogether, type ProveLocks, type WriteAnswer, type WriteCall } from "./write-together.ts";

export interface StateDependencies {
  database: Database;
  clock: Clock;
  announce: Announce;
  events: EventService;
  /** For tests; the locks themselves by default. */
  proveLocks?: ProveLocks;
  nextTurn?: NextTurn;
}

/** Who works on state, found out with each call. */
interface Actor {
  tenant: string;
  by: string;
  lease: TaskLease | null;
}

/**
 * State documents: versioned JSON that agents and people share, in projects of a tenant. A client reaches those of its
 * tenant; an agent those of the tenant whose task it works on, and only while it does. A write says which version it
 * was made for and is refused, or merged, where others wrote since. Every version is an event and stays for a while.
 */
export function createStateService(deps: StateDependencies): StateService {
  const { database, announce, nextTurn, proveLocks = proveGrants } = deps;
  const changes = createStateChanges(deps);
  const write = createGroup<WriteCall, WriteAnswer>({
    most: 100,
    nextTurn,
    run: createWriteTogether({ ...deps, proveLocks }),
  });

  async function actorUnder(lease: TaskLease): Promise<Actor> {
    const { taskId, leaseToken, agentId } = lease;
    const [row] =
      isUuid(taskId) && isUuid(leaseToken)
        ? await database.query(findLeaseTenant, [taskId, leaseToken, agentId])
        : [];
    if (row === undefined) throw leaseLost(taskId);
    return { tenant: row.tenant, by: agentId, lease };
  }

  const tenantOf = (tenant: string): string => (tenant === "*" ? "default" : tenant);

  return {
    of: ({ tenant, name }, project) =>
      spaceOf(project, async () => ({ tenant: tenantOf(tenant), by: name, lease: null })),
    under: (lease, project) => spaceOf(project, () => actorUnder(lease)),
    async projects({ tenant }) {
      const rows = await database.query(listStateProjects, [tenantOf(tenant)]);
      return rows.map((row) => ({
        project: row.project,
        documents: row.documents,
        createdAt: isoTime(row.created_at),
      }));
    },
  };

  function spaceOf(name: string, findActor: () => Promise<Actor>): StateSpace {
    const project = parse(ProjectName, name, "The name of the project");
    const place = async (path: string) => ({
      tenant: (await findActor()).tenant,
      project,
      path: parse(StatePath, path, "The path of the document"),
    });

    async function findVersion(path: string, version?: number): Promise<StateDocument | null> {
      const key = { ord: 0, ...(await place(path)) };
      const [row] =
        version === undefined
          ? await database.query(readStateHeads, [JSON.stringify([{ ...key, wanted: true }])])
          : await database.query(readStateVersions, [JSON.stringify([{ ...key, version }])]);
      if (row === undefined || row.version === null || row.deleted) return null;
      return {
        project,
        path,
        version: row.version,
        bytes: row.bytes as number,
        writtenAt: isoTime(row.written_at as number),
        writtenBy: row.written_by as string,
        content: row.content,
      };
    }

    async function get(path: string, version?: number): Promise<StateDocument> {
      const found = await findVersion(path, version);
      if (found !== null) return found;
      throw version === undefined ? noDocument(path) : noVersion(path, version);
    }

    /** The refusal with both sides and what they began with, as far as they can be had. */
    async function withSides(error: MusterError, path: string, wanted: StateWrite): Promise<MusterError> {
      const { ifVersion = 0 } = wanted;
      const [current, base] = await Promise.all([
        findVersion(path),
        ifVersion === 0 ? null : findVersion(path, ifVersion),
      ]);
      let yours: Json | undefined;
      try {
        if (wanted.kind !== "delete") yours = apply(path, wanted, base?.content as Json | undefined);
      } catch {
        // The patch fits the base no better than the newest version: there is no other side to show.
      }
      const details: StateConflict = {
        path,
        version: current?.version ?? null,
        ...(yours === undefined ? {} : { yours }),
        ...(current === null ? {} : { theirs: current.content }),
        base: base === null ? null : { version: base.version, content: base.content },
        conflicts: [],
      };
      return new MusterError(error.code, error.message, {
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        details: { ...details },
      });
    }

    return {
      get,
      async write(path, wanted): Promise<StateWritten> {
        parse(StatePath, path, "The path of the document");
        const checked = checkWrite(path, parse(StateWrite, wanted, "The write"));
        const answer = await write({ project, path, write: checked, ...(await findActor()) });
        if (!(answer instanceof MusterError)) {
          announce({});
          return answer;
        }
        throw isOutdated(answer) ? await withSides(answer, path, checked) : answer;
      },
      async list(filter = {}) {
        const { prefix = "", after = "", limit = 100 } = parse(StateFilter, filter, "The filter");
        const { tenant } = await findActor();
        const [[known], rows] = await Promise.all([
          database.query(findStateProject, [tenant, project]),
          database.query(listState, [tenant, project, prefix, after, limit]),
        ]);
        const items = rows.map(({ path, version, bytes, written_at, written_by }) => ({
          path,
          version,
          bytes,
          writtenAt: isoTime(written_at),
          writtenBy: written_by,
        }));
        const next = items.length < limit ? null : (items.at(-1)?.path ?? null);
        return { items, next, createdAt: isoTimeOrNull(known?.created_at ?? null) };
      },
      async versions(path, { before = null, limit = limits.pageSize } = {}) {
        const { tenant } = await place(path);
        const most = Math.min(limit, limits.pageSize);
        const rows = await database.query(listStateVersions, [tenant, project, path, before, most]);
        if (rows.length === 0 && before === null) throw noDocument(path);
        const items = rows.map(({ version, deleted, bytes, written_at, written_by }) => ({
          version,
          deleted,
          bytes,
          writtenAt: isoTime(written_at),
          writtenBy: written_by,
        }));
        return { items, next: rows.length < most ? null : String(items.at(-1)?.version) };
      },
      async diff(path, from, to): Promise<StateDiff> {
        const [older, newer] = await Promise.all([from === 0 ? null : get(path, from), get(path, to)]);
        const patch =
          older === null
            ? [{ op: "add" as const, path: "", value: newer.content }]
            : diffJson(older.content as Json, newer.content as Json);
        return { path, from, to: newer.version, patch };
      },
      async changes(filter, waitMs, signal) {
        const found = await changes((await findActor()).tenant, project, filter, waitMs, signal);
        // Who waited must still be who may know.
        if (waitMs > 0) await findActor();
        return found;
      },
    };
  }
}

const noVersion = (path: string, version: number): MusterError =>
  new MusterError("not_found", `Version ${version} of ${path} is not there.`, {
    hint: `It never was, it was the deletion, or it is too old: ${limits.stateVersionsKept} versions are kept.`,
  });
