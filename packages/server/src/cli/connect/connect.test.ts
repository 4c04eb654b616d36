import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { findServer } from "./connect.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-cli-"));
  mkdirSync(join(folder, ".muster"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const serverFile = (content: unknown) =>
  writeFileSync(
    join(folder, ".muster", "server.json"),
    typeof content === "string" ? content : JSON.stringify(content),
  );
const context = (env: Record<string, string> = {}, alive = true) =>
  createFakeCliContext({ cwd: folder, env, isProcessAlive: () => alive });
const running = { url: "http://127.0.0.1:6878", pid: 42, key: "local-key" };

test("finds the server of this folder through its server file", async () => {
  serverFile(running);
  expect(await findServer(context(), {})).toEqual({
    url: running.url,
    apiKey: "local-key",
    local: true,
    source: "server.json",
  });
});

test("a named server comes first, --server before MUSTER_URL", async () => {
  serverFile(running);
  const env = { MUSTER_URL: "http://one.example:1/", MUSTER_API_KEY: "k" };
  expect(await findServer(context(env), {})).toMatchObject({
    url: "http://one.example:1",
    source: "MUSTER_URL",
  });
  expect(await findServer(context(env), { server: "http://two.example" })).toMatchObject({
    url: "http://two.example",
    apiKey: "k",
    local: false,
    source: "--server",
  });
});

test("the key of this folder opens the same server by name, and no other", async () => {
  serverFile(running);
  expect(await findServer(context(), { server: "http://localhost:6878" })).toMatchObject({
    apiKey: "local-key",
  });
  await expect(findServer(context(), { server: "http://localhost:7000" })).rejects.toThrow(
    "there is no API key",
  );
});

test.each([
  ["no file", undefined],
  ["a broken file", "{"],
  ["a file of another kind", { url: 1 }],
  ["an address elsewhere, as a foreign repository might bring", { ...running, url: "http://evil.example" }],
])("%s is no server", async (_, content) => {
  if (content !== undefined) serverFile(content);
  expect(await findServer(context({ MUSTER_API_KEY: "secret" }), {})).toBeUndefined();
});

test("the file of a dead process is no server", async () => {
  serverFile(running);
  expect(await findServer(context({}, false), {})).toBeUndefined();
});

test("another data folder is another server", async () => {
  serverFile(running);
  expect(await findServer(context(), { dataDir: "elsewhere" })).toBeUndefined();
  expect(await findServer(context(), { dataDir: join(folder, ".muster") })).toMatchObject({
    url: running.url,
  });
});
