import { type Json, limits, MusterError, ProjectName, StatePath } from "@muster/sdk/protocol";
import type { StateService, StateSpace } from "../core/orchestrator.ts";
import { diffJson } from "../core/state/diff-json.ts";
import { checkWrite, type Evaluated, evaluateWrite, noDocument } from "../core/state/evaluate-write.ts";
import { parse } from "../core/validate.ts";

interface Kept {
  version: number;
  evaluated: Evaluated;
  by: string;
}

/** State in memory, with the real rules of writing; nobody else writes while it works. */
export function createFakeState(): StateService {
  const spaces = new Map<string, StateSpace>();
  const spaceOf = (tenant: string, project: string, by: string): StateSpace => {
    const key = JSON.stringify([tenant, parse(ProjectName, project, "The name of the project")]);
    const space = spaces.get(key) ?? createFakeSpace(project, by);
    spaces.set(key, space);
    return space;
  };
  return {
    of: ({ tenant, name }, project) => spaceOf(tenant === "*" ? "default" : tenant, project, name),
    under: ({ agentId }, project) => spaceOf("acme", project, agentId),
    projects: async ({ tenant }) =>
      [...spaces.keys()]
        .map((key) => JSON.parse(key) as [string, string])
        .filter(([owner]) => owner === (tenant === "*" ? "default" : tenant))
        .map(([, project]) => ({ project, documents: 0, createdAt: epoch })),
  };
}

const epoch = new Date(0).toISOString();
const toldOf = ({ version, evaluated, by }: Kept) => ({
  version,
  deleted: evaluated.text === null,
  bytes: evaluated.bytes,
  writtenAt: epoch,
  writtenBy: by,
});

/** One project. */
export function createFakeSpace(project: string, by = "fake"): StateSpace {
  const documents = new Map<string, Kept[]>();
  const changes: { path: string; kept: Kept }[] = [];
  const checked = (path: string) => parse(StatePath, path, "The path of the document");
  const find = (path: string, version?: number) => {
    const all = documents.get(checked(path)) ?? [];
    const found = version === undefined ? all.at(-1) : all.find((kept) => kept.version === version);
    return found?.evaluated.text === null ? undefined : found;
  };
  const space: StateSpace = {
    async get(path, version) {
      const found = find(path, version);
      if (found === undefined) throw noDocument(path);
      const { deleted: _, ...told } = toldOf(found);
      return { project, path, ...told, content: found.evaluated.content };
    },
    async write(path, wanted) {
      const write = checkWrite(checked(path), wanted);
      const newest = documents.get(path)?.at(-1);
      const current = {
        version: newest?.version ?? 0,
        deleted: newest === undefined || newest.evaluated.text === null,
        content: newest?.evaluated.content,
        fences: newest?.evaluated.fences ?? {},
      };
      const base = write.ifVersion === 0 ? undefined : find(path, write.ifVersion);
      const evaluated = evaluateWrite(path, write, current, {
        version: write.ifVersion ?? 0,
        content: base?.evaluated.content,
      });
      const kept = { version: current.version + 1, evaluated, by };
      documents.set(path, [...(documents.get(path) ?? []), kept]);
      changes.push({ path, kept });
      const asSent = write.kind === "put" && !evaluated.merged;
      return {
        project,
        path,
        ...toldOf(kept),
        merged: evaluated.merged,
        ...(asSent || evaluated.text === null ? {} : { content: evaluated.content }),
      };
    },
    async list({ prefix = "", after = "", limit = 100 } = {}) {
      const items = [...documents]
        .flatMap(([path, all]) => {
          const { deleted, ...told } = toldOf(all.at(-1) as Kept);
          return deleted || !path.startsWith(prefix) || path <= after ? [] : [{ path, ...told }];
        })
        .sort((one, other) => (one.path < other.path ? -1 : 1))
        .slice(0, limit);
      const next = items.length < limit ? null : (items.at(-1)?.path ?? null);
      return { items, next, createdAt: documents.size === 0 ? null : epoch };
    },
    async versions(path, { before = null, limit = limits.pageSize } = {}) {
      const all = documents.get(checked(path));
      if (all === undefined) throw noDocument(path);
      const items = all
        .map(toldOf)
        .filter(({ version }) => before === null || version < before)
        .reverse()
        .slice(0, limit);
      return { items, next: null };
    },
    async diff(path, from, to) {
      const [older, newer] = [find(path, from), find(path, to)];
      if (newer === undefined) throw new MusterError("not_found", "There is no such version.");
      const patch = diffJson((older?.evaluated.content ?? null) as Json, newer.evaluated.content as Json);
      return { path, from, to, patch };
    },
    async changes({ after }) {
      const items = changes
        .map(({ path, kept }, index) => {
          const { bytes: _, ...told } = toldOf(kept);
          return { position: index + 1, path, ...told };
        })
        .filter(({ position }) => after !== undefined && position > after);
      return { items, position: changes.length };
    },
  };
  return space;
}
