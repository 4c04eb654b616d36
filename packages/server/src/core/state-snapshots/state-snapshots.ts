import {
  limits,
  MusterError,
  ProjectName,
  type PrunedSnapshots,
  type StateRestored,
  StateRestoreRequest,
  type StateSnapshot,
  StateSnapshotRequest,
} from "@muster/sdk/protocol";
import type { BlobBody, BlobInfo, BlobStore } from "../../ports/blob-store.ts";
import type { Log } from "../../ports/log.ts";
import type { Announce } from "../aftermath.ts";
import { tenantSegment } from "../artifacts/tenant-segment.ts";
import type { Page, Principal, StateService } from "../orchestrator.ts";
import { tellOfSnapshot } from "../queue/statements/state-snapshots.ts";
import { parse } from "../validate.ts";
import { restoreSnapshot } from "./restore-snapshot.ts";
import { createSnapshotStore, type SnapshotStore } from "./snapshot-store.ts";
import { type TakeDependencies, takeSnapshot } from "./take-snapshot.ts";

/** Snapshots of the documents of projects. They outlive the database: each is an object of the blob store. */
export interface StateSnapshotService {
  /** Those of a project of whoever asks; of the tenant `default` for an admin of `*`, as with documents. */
  of(principal: Principal, project: string): StateSnapshots;
}

export interface StateSnapshots {
  /** Of the documents as they are at this moment, while others go on writing. */
  create(request?: StateSnapshotRequest): Promise<StateSnapshot>;
  /** Newest first. */
  list(page?: { before?: string; limit?: number }): Promise<Page<StateSnapshot>>;
  get(id: string): Promise<StateSnapshot>;
  /** Its documents, one JSON object per line. */
  content(id: string): Promise<{ info: BlobInfo; body: BlobBody }>;
  /** `conflict` where documents are not as in the snapshot and nobody said what becomes of them. */
  restore(id: string, request?: StateRestoreRequest): Promise<StateRestored>;
  /** Damaged ones, too. */
  delete(id: string): Promise<void>;
  /** Keeps so many of the newest. */
  prune(options: { keep: number; dryRun?: boolean }): Promise<PrunedSnapshots>;
}

export interface StateSnapshotDependencies extends TakeDependencies {
  blobs: BlobStore;
  state: StateService;
  announce: Announce;
  log: Log;
}

type SnapshotEvent = "state.snapshot.created" | "state.snapshot.restored" | "state.snapshot.deleted";

export function createStateSnapshots(deps: StateSnapshotDependencies): StateSnapshotService {
  const { blobs, ids, clock, database, state, announce } = deps;

  return {
    of(principal, name) {
      const project = parse(ProjectName, name, "The name of the project");
      const tenant = principal.tenant === "*" ? "default" : principal.tenant;
      const folder = `state-snapshots/${tenantSegment(tenant, ids)}/${project}/`;
      return snapshotsOf(principal, tenant, project, createSnapshotStore(blobs, folder));
    },
  };

  function snapshotsOf(
    principal: Principal,
    tenant: string,
    project: string,
    store: SnapshotStore,
  ): StateSnapshots {
    async function tell(type: SnapshotEvent, data: object): Promise<void> {
      const text = JSON.stringify({ project, by: principal.name, ...data });
      await database.query(tellOfSnapshot, [clock.now(), type, tenant, text]);
      announce({});
    }

    async function take(of: string, label: string | null, prefix: string): Promise<StateSnapshot> {
      const taken = { tenant, project: of, prefix, label, by: principal.name };
      const snapshot = await takeSnapshot(deps, store, taken);
      const { id, documents } = snapshot;
      await tell("state.snapshot.created", { snapshot: id, documents, label });
      return snapshot;
    }

    async function checkRoom(): Promise<void> {
      const found = (await store.ids()).length;
      if (found < limits.stateSnapshotsPerProject) return;
      throw new MusterError("limit_exceeded", `The project ${project} has ${found} snapshots.`, {
        hint: "Remove some: `muster state snapshot prune --keep 50`, or --keep with each that is taken.",
      });
    }

    async function remove(id: string): Promise<void> {
      await store.remove(id);
      await tell("state.snapshot.deleted", { snapshot: id });
    }

    async function prune(keep: number, dryRun: boolean): Promise<PrunedSnapshots> {
      const all = await store.ids();
      const [kept, removed] = [all.slice(0, keep), all.slice(keep)];
      if (!dryRun) for (const id of removed) await remove(id);
      return { dryRun, kept, removed };
    }

    return {
      async create(request = {}) {
        const { label = null, prefix = "", keep } = parse(StateSnapshotRequest, request, "The snapshot");
        await store.sweep(clock.now());
        // With `keep` the oldest make room for it afterwards.
        if (keep === undefined) await checkRoom();
        const snapshot = await take(project, label, prefix);
        if (keep !== undefined) await prune(keep, false);
        return snapshot;
      },
      async list({ before, limit = 50 } = {}) {
        const all = await store.ids();
        const found = all.filter((id) => before === undefined || id < before);
        const page = found.slice(0, Math.min(limit, limits.pageSize));
        const items = await Promise.all(
          page.map((id) => store.get(id).catch((error) => usableOr(id, error))),
        );
        const next = found.length > page.length ? (page.at(-1) ?? null) : null;
        return { items: items.filter((one) => one !== null), next };
      },
      get: store.get,
      content: async (id) => store.open(await store.get(id)),
      async restore(id, request = {}) {
        const wish = parse(StateRestoreRequest, request, "The restore");
        const {
          onChanged = "refuse",
          deleteOthers = false,
          into = project,
          prefix = "",
          dryRun = false,
        } = wish;
        const snapshot = await store.get(id);
        const target = createSnapshotStore(blobs, `state-snapshots/${tenantSegment(tenant, ids)}/${into}/`);
        const takeBefore = async () =>
          (await snapshotsOf(principal, tenant, into, target).create({ label: `before restoring ${id}` })).id;
        const space = state.of(principal, into);
        const restored = await restoreSnapshot(
          { database, store, space, tenant, project: into, takeBefore },
          snapshot,
          { onChanged, deleteOthers, prefix, dryRun },
        );
        if (!dryRun) {
          const { created, replaced, deleted, before } = restored;
          await tell("state.snapshot.restored", { snapshot: id, into, created, replaced, deleted, before });
        }
        return restored;
      },
      async delete(id) {
        if (!(await store.ids()).includes(id)) await store.get(id);
        await remove(id);
      },
      prune: ({ keep, dryRun = false }) => prune(keep, dryRun),
    };
  }

  /** One that can't be read is not listed; whoever asks for it by its id is told why. */
  function usableOr(id: string, error: unknown): null {
    if (!(error instanceof MusterError) || error.code === "unavailable") throw error;
    deps.log.warn({ id, reason: error.message }, "A snapshot of state can't be read.");
    return null;
  }
}
