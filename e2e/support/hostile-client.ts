import { join } from "node:path";
import type { Client } from "@muster/sdk";
import { afterAll, beforeAll, expect } from "vitest";
import { cleanUp, temporaryFolder } from "./processes.ts";
import { createRawClient, type RawCall, type RawClient } from "./raw-client.ts";
import { type ServerProcess, startFreshServer } from "./server-process.ts";

/** An id that nothing has. */
export const nobody = "0190163d-8694-739b-aea5-966c26f8ad91";

/** A real server, and what it takes to be unpleasant to it. */
export interface Target {
  server: ServerProcess;
  /** Sees everything. */
  root: Client;
  call: RawClient;
  /** Of the tenant `acme`, but for the strangers and the root. */
  keys: Record<"root" | "admin" | "client" | "agent" | "stranger" | "strangerAgent", string>;
  /** Everything that a request could leave behind. */
  traces(): Promise<object>;
}

/** Starts a server before the tests of a file and ends it after them; it is not to log a single error meanwhile. */
export function useTarget(): Target {
  const target = {} as Target;
  beforeAll(async () => {
    const { server, client, apiKey } = await startFreshServer(join(temporaryFolder(), "data"));
    const make = async (role: "admin" | "client" | "agent", tenant: string) =>
      (await client.keys.create({ name: `${role}-of-${tenant}`, role, tenant })).key;
    const keys = {
      root: apiKey,
      admin: await make("admin", "acme"),
      client: await make("client", "acme"),
      agent: await make("agent", "acme"),
      stranger: await make("client", "strange"),
      strangerAgent: await make("agent", "strange"),
    };
    const call = createRawClient(server.url);
    Object.assign(target, { server, root: client, call, keys, traces: () => tracesOf(client) });
  }, 90_000);
  afterAll(async () => {
    const log = target.server?.err() ?? "";
    await cleanUp();
    // Bad input is the client's fault, and no error of the server.
    expect(log).not.toMatch(/"level":(50|60)/);
  });
  return target;
}

const tracesOf = async (root: Client) => ({
  ...(await root.info()),
  tasks: (await root.tasks.list({ limit: 500 })).items.length,
  runs: (await root.runs.list({ limit: 500 })).items.length,
  agents: (await root.agents.list()).map(({ id, status, load }) => [id, status, load]),
  keys: (await root.keys.list()).length,
});

/** The problem that a call is refused with: well formed, with this status and code, and no entrails of the server. */
export async function expectRefused({ call }: Target, request: RawCall, status: number, code: string) {
  const answer = await call(request);
  const detail = expect.any(String);
  expect(answer).toMatchObject({ status, json: { status, code, detail, title: detail } });
  expect(answer.headers.get("content-type")).toContain("application/problem+json");
  expect(answer.json.detail).not.toMatch(/undefined|\[object|node_modules|at \w+ \(/);
  return answer.json;
}
