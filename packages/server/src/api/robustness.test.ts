import { agentOperations, Problem } from "@muster/sdk/protocol";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asAgent, asRoot, bearer, startFake } from "../test/serve-fake.ts";

const id = "0190163d-8694-739b-aea5-966c26f8ad91";
const isProblem = new Ajv2020({ strict: false }).compile(Problem);

const routes = [
  "/v1/tasks",
  `/v1/tasks/${id}/cancel`,
  `/v1/tasks/${id}/retry`,
  "/v1/runs",
  `/v1/runs/${id}/cancel`,
  "/v1/agents",
  "/v1/agents/a1/status",
  "/v1/keys",
];

/** Words that mean something to some route, so that some bodies get further than others. */
const words = fc.constantFrom(
  ...[
    "tasks",
    "capability",
    "agent",
    "input",
    "dependsOn",
    "ref",
    "priority",
    "high",
    "name",
    "role",
    "admin",
  ],
  ...[
    "workflow",
    "inputs",
    "status",
    "available",
    "capabilities",
    "outcome",
    "completed",
    "taskId",
    "leaseToken",
  ],
  ...["key", "value", "to", "payload", "constructor", "prototype", "toString", "", "\u0000", "\ud800", id],
);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    words,
    fc.constantFrom(null, true, 0, -1, 1.5, 1e308),
    fc.string(),
    fc.array(tie("any"), { maxLength: 4 }),
    fc.dictionary(words, tie("any"), { maxKeys: 6 }),
  ),
})).any;

function mustBeClean(response: { statusCode: number; body: string; headers: Record<string, unknown> }): void {
  expect(response.statusCode).toBeLessThan(500);
  if (response.statusCode < 300) return;
  expect(response.headers["content-type"]).toContain("application/problem+json");
  const problem = JSON.parse(response.body);
  expect(isProblem(problem), response.body).toBe(true);
  expect(problem.status).toBe(response.statusCode);
}

describe("any request is answered with success or a problem of the client, never a fault of the server", () => {
  test("any JSON to any route", async () => {
    const { api } = await startFake();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...routes), value, async (url, body) => {
        const payload = JSON.stringify(body);
        const headers = { ...asRoot, "content-type": "application/json" };
        mustBeClean(await api.inject({ method: "POST", url, headers, payload }));
      }),
      { numRuns: 500 },
    );
  });

  test("any JSON to any operation of an agent", async () => {
    const { api } = await startFake();
    const payload = { id: "a1", name: "one", capabilities: [] };
    const registered = await api.inject({ method: "POST", url: "/v1/agents", headers: asAgent, payload });
    const headers = { ...bearer(registered.json().session), "content-type": "application/json" };
    const names = Object.keys(agentOperations).filter((name) => name !== "leave");
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names, "nothing", "toString"), value, async (name, body) => {
        const url = `/v1/agents/a1/operations/${name}`;
        mustBeClean(await api.inject({ method: "POST", url, headers, payload: JSON.stringify(body) }));
      }),
      { numRuns: 300 },
    );
  });

  test("any bytes to any route", async () => {
    const { api } = await startFake();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...routes), fc.uint8Array({ maxLength: 40 }), async (url, bytes) => {
        const headers = { ...asRoot, "content-type": "application/json" };
        mustBeClean(await api.inject({ method: "POST", url, headers, payload: Buffer.from(bytes) }));
      }),
      { numRuns: 200 },
    );
  });

  test("any address", async () => {
    const { api } = await startFake();
    const part = fc.oneof(
      words.filter((word) => word !== "\ud800"),
      fc.constantFrom("v1", "agents", "events", "..", "%", "%2F", "*"),
    );
    const address = fc.tuple(
      fc.array(part, { maxLength: 4 }),
      fc.array(fc.tuple(words, words), { maxLength: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(
        address,
        fc.constantFrom("GET", "POST", "DELETE", "PATCH"),
        async ([path, query], method) => {
          const search = query.map(([key, text]) => `${encodeLoosely(key)}=${encodeLoosely(text)}`).join("&");
          const url = `/${path.map((text) => (text.startsWith("%") ? text : encodeLoosely(text))).join("/")}?${search}`;
          mustBeClean(await api.inject({ method: method as "GET", url, headers: asRoot }));
        },
      ),
      { numRuns: 300 },
    );
  });
});

const encodeLoosely = (text: string): string => (text === "\ud800" ? "%ED%A0%80" : encodeURIComponent(text));
