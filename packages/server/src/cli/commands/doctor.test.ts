import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "@muster/sdk";
import { type DatabaseFacts, MusterError } from "@muster/sdk/protocol";
import { afterAll, beforeEach, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import type { CliContext } from "../cli-context.ts";
import type { Finding } from "../doctor/finding.ts";
import { lookAtNode } from "../doctor/look-at-machine.ts";
import { runCli } from "../run-cli.ts";

const provider = createServer((request, response) => {
  const isKnown = request.headers.authorization === "Bearer right-key";
  response.writeHead(isKnown ? 200 : 401).end(JSON.stringify({ data: [{ id: "llama" }] }));
});
await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
afterAll(() => new Promise((resolve) => provider.close(resolve)));
const baseURL = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`;

let folder: string;
const folders: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-doctor-"));
  folders.push(folder);
});
afterAll(() => {
  for (const each of folders) rmSync(each, { recursive: true });
});

const file = () =>
  writeFileSync(
    join(folder, "muster.yaml"),
    `models:
  providers:
    - { name: house, kind: compatible, baseURL: "${baseURL}", keyVariable: HOUSE_KEY, models: [llama] }
  aliases: { smart: house/llama }
`,
  );

async function doctor(argv: string[], more: Partial<CliContext> = {}) {
  const context = createFakeCliContext({ cwd: folder, ...more });
  const exitCode = await runCli(["doctor", "--json", ...argv], context);
  const { healthy, findings } = JSON.parse(context.stdout.text()) as {
    healthy: boolean;
    findings: Finding[];
  };
  return { exitCode, healthy, of: (about: string) => findings.find((finding) => finding.about === about) };
}

test("with nothing at all it names what is missing, and nothing of that is wrong", async () => {
  const { exitCode, healthy, of } = await doctor(["--offline"], { env: { PATH: folder } });
  expect([exitCode, healthy]).toEqual([0, true]);
  expect(of("node")?.state).toBe("ok");
  expect(of("store")?.state).toBe("ok");
  expect(of("server")).toMatchObject({ state: "missing", hint: expect.stringContaining("muster up") });
  expect(of("database")).toMatchObject({ state: "ok", says: expect.stringContaining("embedded") });
  expect(of("pgvector")).toMatchObject({ state: "ok", says: expect.stringContaining("embedded") });
  expect(of("tool bwrap")).toMatchObject({ state: "missing", hint: "Install bubblewrap." });
  expect(of("provider anthropic")).toMatchObject({
    state: "missing",
    hint: expect.stringContaining("ANTHROPIC_API_KEY"),
  });
  expect(of("models")?.hint).toMatch(/ANTHROPIC_API_KEY or OPENAI_API_KEY or GEMINI_API_KEY/);
});

test("a file of models is used where it was named or consented to, and its provider is asked for the key", async () => {
  file();
  const left = await doctor(["--offline"], { env: { HOUSE_KEY: "right-key" } });
  expect(left.of("muster.yaml")?.state).toBe("missing");
  expect(left.of("provider house")).toBeUndefined();
  for (const consent of [["--yes"], ["--config", "muster.yaml"]]) {
    const { exitCode, of } = await doctor(consent, { env: { HOUSE_KEY: "right-key" } });
    expect(exitCode).toBe(0);
    expect(of("provider house")).toMatchObject({ state: "ok", says: expect.stringContaining("llama") });
    expect(of("alias smart")?.says).toBe("house/llama; no price is known of house/llama");
    expect(of("provider anthropic")).toBeUndefined();
  }
  const wrong = await doctor(["--yes"], { env: { HOUSE_KEY: "wrong-key" } });
  expect([wrong.exitCode, wrong.healthy]).toEqual([1, false]);
  expect(wrong.of("provider house")).toMatchObject({ state: "wrong", says: "it refuses the key" });
});

test("a mistake in the file is told with its line", async () => {
  writeFileSync(join(folder, "muster.yaml"), "models:\n  provider: []\n");
  const { exitCode, of } = await doctor(["--yes", "--offline"]);
  expect(exitCode).toBe(1);
  expect(of("muster.yaml")?.says).toMatch(
    /muster\.yaml:2:3: unknown key "provider" \(did you mean "providers"\?\)/,
  );
});

test("a server that does not answer or does not take the key is wrong", async () => {
  const env = { MUSTER_URL: "http://127.0.0.1:6878", MUSTER_API_KEY: "k" };
  const list = async () => [{ name: "n-1", version: "0.1.0", url: null, startedAt: "", lastSeen: "" }];
  const answering = async () => ({ nodes: { list } }) as unknown as Client;
  expect((await doctor(["--offline"], { env, createClient: answering })).of("server")).toMatchObject({
    state: "ok",
    says: "http://127.0.0.1:6878 answers (n-1 0.1.0)",
  });
  const refuse = async () => {
    throw new MusterError("unauthenticated", "the key is not known", { hint: "Make a new one." });
  };
  const refusing = async () => ({ nodes: { list: refuse } }) as unknown as Client;
  const { exitCode, of } = await doctor(["--offline"], { env, createClient: refusing });
  expect(exitCode).toBe(1);
  expect(of("server")).toMatchObject({ state: "wrong", hint: "Make a new one." });
});

test.each<[string, DatabaseFacts["kind"], DatabaseFacts["vector"], Partial<Finding>]>([
  [
    "is part of the embedded store",
    "embedded",
    { version: "0.8.0", available: "0.8.0", index: true },
    { state: "ok", says: "version 0.8.0, part of the embedded store" },
  ],
  [
    "is in the database",
    "postgresql",
    { version: "0.7.4", available: "0.8.1", index: true },
    { state: "ok", says: "version 0.7.4" },
  ],
  [
    "is older than what is needed",
    "postgresql",
    { version: "0.5.1", available: "0.5.1", index: false },
    { state: "missing", hint: expect.stringContaining("alter extension vector update") },
  ],
  [
    "lies ready and was not created",
    "postgresql",
    { version: null, available: "0.8.1", index: false },
    { state: "missing", hint: expect.stringContaining("create extension vector") },
  ],
  [
    "is not installed",
    "postgresql",
    { version: null, available: null, index: false },
    {
      state: "missing",
      says: expect.stringMatching(/one by one, up to 100,000 in one place, and of more only the newest/),
      hint: expect.stringContaining("postgresql-15-pgvector"),
    },
  ],
])("of pgvector it is said that it %s", async (_, kind, vector, said) => {
  const env = { MUSTER_URL: "http://127.0.0.1:6878", MUSTER_API_KEY: "k" };
  const nodes = { list: async () => [], database: async () => ({ kind, version: "15.6", vector }) };
  const createClient = async () => ({ nodes }) as unknown as Client;
  const { exitCode, of } = await doctor(["--offline"], { env, createClient });
  expect(exitCode).toBe(0);
  expect(of("database")).toMatchObject({ state: "ok", says: expect.stringContaining("PostgreSQL 15.6") });
  expect(of("pgvector")).toMatchObject(said);
});

test("what only admins may see of a server is not guessed, and a database that is away is wrong without its password", async () => {
  const env = { MUSTER_URL: "http://127.0.0.1:6878", MUSTER_API_KEY: "k" };
  const refuse = async () => {
    throw new MusterError("forbidden", "Only an admin may.");
  };
  const createClient = async () => ({ nodes: { list: refuse, database: refuse } }) as unknown as Client;
  const refused = await doctor(["--offline"], { env, createClient });
  expect(refused.of("database")).toBeUndefined();
  expect(refused.of("pgvector")).toMatchObject({ state: "missing", hint: expect.stringContaining("admin") });
  const password = "a-word-of-a-test";
  const away = { DATABASE_URL: `postgres://muster:${password}@127.0.0.1:1/muster` };
  const { exitCode, of } = await doctor(["--offline"], { env: away });
  expect(exitCode).toBe(1);
  expect(of("database")).toMatchObject({ state: "wrong" });
  expect(JSON.stringify(of("database"))).not.toContain(password);
  expect(of("pgvector")).toBeUndefined();
});

test("a place that is no folder can hold no data", async () => {
  writeFileSync(join(folder, "data"), "");
  const { of } = await doctor(["--offline", "--data-dir", join(folder, "data")]);
  expect(of("store")?.state).toBe("wrong");
});

test.each([
  ["18.20.0", "wrong"],
  ["20.18.3", "wrong"],
  ["20.19.0", "ok"],
  ["24.1.0", "ok"],
])("Node.js %s is %s", (version, state) => {
  expect(lookAtNode(version).state).toBe(state);
});

test("people read it line by line", async () => {
  const context = createFakeCliContext({ cwd: folder });
  await runCli(["doctor", "--offline"], context);
  expect(context.stdout.text()).toMatch(/✔ node: Node\.js .*\n/);
  expect(context.stdout.text()).toMatch(/○ provider openai: there is no key for it\n {4}Set OPENAI_API_KEY/);
});
