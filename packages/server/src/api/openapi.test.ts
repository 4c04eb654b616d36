import { agentOperations } from "@muster/sdk/protocol";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { startFake } from "../test/serve-fake.ts";

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security: Record<string, string[]>[];
  parameters?: { name: string; in: string; required: boolean; schema: object }[];
  requestBody?: { required: boolean; content: Record<string, { schema: object }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; securitySchemes: Record<string, object> };
  tags: { name: string }[];
}

async function load(): Promise<Document> {
  const { api } = await startFake();
  return (await api.inject("/openapi.json")).json();
}

const operations = (document: Document): [string, Operation][] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation]),
  );

function referencesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    key === "$ref" && typeof member === "string" ? [member] : referencesIn(member),
  );
}

/** Every address of the API. A route that is added belongs here and in docs/api.md. */
const routes = [
  "post /v1/tasks",
  "get /v1/tasks",
  "get /v1/tasks/{id}",
  "get /v1/tasks/{id}/why",
  "post /v1/tasks/{id}/cancel",
  "post /v1/tasks/{id}/retry",
  "post /v1/tasks/{id}/resume",
  "get /v1/deadlocks",
  "get /v1/retry-policies",
  ...["get", "put", "delete"].map((method) => `${method} /v1/retry-policies/{capability}`),
  "get /v1/dead-letters",
  "post /v1/dead-letters/retry",
  "post /v1/dead-letters/drop",
  "post /v1/runs",
  "get /v1/runs",
  "get /v1/runs/{id}",
  "post /v1/runs/{id}/cancel",
  "post /v1/runs/{id}/retry",
  "post /v1/runs/{id}/resume",
  "post /v1/schedules",
  "get /v1/schedules",
  "get /v1/schedules/{schedule}",
  "delete /v1/schedules/{schedule}",
  "post /v1/schedules/{schedule}/pause",
  "post /v1/schedules/{schedule}/resume",
  "post /v1/schedules/{schedule}/run",
  "post /v1/triggers",
  "get /v1/triggers",
  "get /v1/triggers/{trigger}",
  "delete /v1/triggers/{trigger}",
  "post /v1/triggers/{trigger}/pause",
  "post /v1/triggers/{trigger}/resume",
  "get /v1/agents",
  "post /v1/agents",
  "get /v1/agents/connect",
  "get /v1/agents/{id}",
  "post /v1/agents/{id}/status",
  "get /v1/agents/{id}/messages",
  "get /v1/breakers",
  "get /v1/breakers/{id}",
  "post /v1/breakers/{id}/open",
  "post /v1/breakers/{id}/close",
  ...Object.keys(agentOperations).map((name) => `post /v1/agents/{id}/operations/${name}`),
  ...["/v1/artifacts", "/v1/agents/{id}/tasks/{taskId}/artifacts"].flatMap((path) => [
    `get ${path}`,
    ...["put", "get", "head", "delete"].map((method) => `${method} ${path}/{key}`),
  ]),
  "get /v1/state",
  "get /v1/state-snapshots/{project}",
  "post /v1/state-snapshots/{project}",
  "post /v1/state-snapshots/{project}/prune",
  "get /v1/state-snapshots/{project}/{id}",
  "delete /v1/state-snapshots/{project}/{id}",
  "get /v1/state-snapshots/{project}/{id}/content",
  "post /v1/state-snapshots/{project}/{id}/restore",
  "get /v1/state/{project}",
  ...["get", "put", "patch", "delete"].map((method) => `${method} /v1/state/{project}/{path}`),
  "get /v1/state-versions/{project}/{path}",
  "get /v1/state-diff/{project}/{path}",
  "get /v1/state-changes/{project}",
  "post /v1/memories",
  "get /v1/memories",
  "get /v1/memories/{id}",
  "delete /v1/memories/{id}",
  "post /v1/memories/recall",
  "post /v1/memories/forget",
  "get /v1/events",
  "get /v1/events/stream",
  "get /v1/tasks/{id}/stream",
  "get /v1/runs/{id}/stream",
  "post /v1/locks/acquire",
  "post /v1/locks/renew",
  "post /v1/locks/release",
  "get /v1/locks",
  "get /v1/locks/{name}",
  "delete /v1/locks/{name}",
  "post /v1/people",
  "get /v1/people",
  "get /v1/people/{person}",
  "delete /v1/people/{person}",
  "get /v1/inbox",
  "get /v1/inbox/{id}",
  "post /v1/inbox/{id}/claim",
  "post /v1/inbox/{id}/release",
  "post /v1/inbox/{id}/answer",
  "post /v1/inbox/{id}/decline",
  "post /v1/inbox/{id}/delegate",
  "get /v1/autonomy",
  "get /v1/autonomy/history",
  "post /v1/keys",
  "get /v1/keys",
  "delete /v1/keys/{id}",
  "get /v1/nodes",
  "post /v1/backups",
  "get /v1/backups",
  "get /v1/backups/{id}",
  "post /v1/backups/{id}/verify",
  "post /v1/backups/prune",
  "get /v1/backup-jobs/{id}",
  "post /v1/rollouts",
  "get /v1/rollouts",
  "get /v1/rollouts/{id}",
  "post /v1/rollouts/{id}/promote",
  "post /v1/rollouts/{id}/abort",
  "post /v1/rollouts/{id}/clear",
  "get /v1/info",
  "get /livez",
  "get /metrics",
  "get /readyz",
  "get /openapi.json",
];

describe("the OpenAPI document", () => {
  test("is of version 3.1 and has every route, and no other", async () => {
    const document = await load();
    expect(document.openapi).toBe("3.1.0");
    expect(
      operations(document)
        .map(([name]) => name)
        .sort(),
    ).toEqual([...routes].sort());
  });

  test("describes every operation in full", async () => {
    const document = await load();
    const tags = document.tags.map(({ name }) => name);
    const ids = operations(document).map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [name, operation] of operations(document)) {
      expect(operation.summary, name).toMatch(/^[A-Z].*\.$/);
      expect(tags, name).toEqual(expect.arrayContaining(operation.tags));
      expect(operation.operationId, name).toMatch(/^[a-z][A-Za-z]+$/);
      const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
      expect(
        declared.map((parameter) => parameter.name),
        name,
      ).toEqual(inPath);
      expect(
        declared.every(({ required }) => required),
        name,
      ).toBe(true);
    }
  });

  test("says of every operation who may call it", async () => {
    const document = await load();
    const schemes = Object.keys(document.components.securitySchemes);
    const open = operations(document).filter(([, { security }]) => security.length === 0);
    expect(open.map(([name]) => name).sort()).toEqual(["get /livez", "get /openapi.json", "get /readyz"]);
    for (const [name, { security }] of operations(document)) {
      expect(schemes, name).toEqual(expect.arrayContaining(security.flatMap((one) => Object.keys(one))));
    }
  });

  test("has a good answer and problems for every operation", async () => {
    for (const [name, { responses }] of operations(await load())) {
      const statuses = Object.keys(responses);
      expect(
        statuses.filter((status) => Number(status) < 300),
        name,
      ).toHaveLength(1);
      expect(statuses, name).toEqual(expect.arrayContaining(["400", "500", "503"]));
      for (const [status, response] of Object.entries(responses)) {
        expect(response.description, name).not.toBe("");
        if (Number(status) < 400) continue;
        expect(response.content, name).toEqual({
          "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
        });
      }
    }
  });

  test("has named schemas that are valid, and references that lead somewhere", async () => {
    const document = await load();
    const names = Object.keys(document.components.schemas);
    expect(names).toEqual(
      expect.arrayContaining(["Task", "TaskSubmission", "Run", "Agent", "Event", "Problem"]),
    );
    expect(names.filter((name) => /^def-/.test(name))).toEqual([]);
    for (const reference of referencesIn(document)) {
      expect(names.map((name) => `#/components/schemas/${name}`)).toContain(reference);
    }
    expect(JSON.stringify(document)).not.toContain('"$id"');
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(document, "document");
    for (const name of names) {
      expect(() => ajv.compile({ $ref: `document#/components/schemas/${name}` }), name).not.toThrow();
    }
  });
});
