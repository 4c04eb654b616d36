import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createArtifactClient } from "@muster/sdk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFakeArtifacts } from "../../test/fake-artifacts.ts";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { createFakeClient } from "../../test/fake-client.ts";
import { runCli } from "../run-cli.ts";

const env = { MUSTER_URL: "http://127.0.0.1:6878", MUSTER_API_KEY: "k" };

let cwd: string;
let service: ReturnType<typeof createFakeArtifacts>;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "muster-artifact-"));
  service = createFakeArtifacts();
});
afterEach(() => rmSync(cwd, { recursive: true }));

async function muster(line: string, { input = "", isTTY = false, damage = false } = {}) {
  const access = service.of({ tenant: "acme", role: "client", name: "" });
  const artifacts = createArtifactClient({
    ...access,
    async get(key, options) {
      const got = await access.get(key, options);
      return damage ? { ...got, artifact: { ...got.artifact, sha256: "0".repeat(64) } } : got;
    },
  });
  const sent: Uint8Array[] = [];
  const context = createFakeCliContext({
    env,
    cwd,
    isTTY,
    createClient: async () => createFakeClient({ artifacts }),
    stdin: async function* () {
      yield Buffer.from(input);
    },
    writeBytes: async (bytes) => void sent.push(bytes),
  });
  const exitCode = await runCli(["artifact", ...line.split(" ")], context);
  const out = sent.length > 0 ? Buffer.concat(sent).toString() : context.stdout.text();
  return { exitCode, out, err: context.stderr.text() };
}

describe("artifact", () => {
  test("files go in and come out, from and to streams as well", async () => {
    writeFileSync(join(cwd, "page.html"), "<p>");
    expect(await muster("put page.html")).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/^stored page.html: 3 B/),
    });
    expect(await muster("put - in/note --type text/plain", { input: "grüße" })).toMatchObject({
      exitCode: 0,
    });
    expect(await muster("get in/note -")).toMatchObject({ exitCode: 0, out: "grüße" });
    expect(await muster("get in/note")).toMatchObject({ exitCode: 0, out: "" });
    expect(readFileSync(join(cwd, "note"), "utf8")).toBe("grüße");
    expect(JSON.parse((await muster("get page.html other --json")).out)).toMatchObject({
      key: "page.html",
      bytes: 3,
      file: join(cwd, "other"),
    });
    expect(readFileSync(join(cwd, "other"), "utf8")).toBe("<p>");
  });

  test("they are listed, shown and deleted", async () => {
    for (const key of ["a/one", "a/two", "b"]) await muster(`put - ${key} --type x/y`, { input: "z" });
    expect((await muster("list")).out).toMatch(/KEY +SIZE +STORED\na\/one +1 B/);
    expect(JSON.parse((await muster("list --prefix a/ --limit 1 --json")).out)).toMatchObject({
      items: [{ key: "a/one" }],
      next: "a/one",
    });
    expect((await muster("list --prefix a/ --limit 1")).err).toBe("more: --after a/one\n");
    expect((await muster("show b")).out).toMatch(/type +x\/y\nsha-256 +[0-9a-f]{64}/);
    const removed = await muster("rm a/one nothing b");
    expect(removed).toMatchObject({ exitCode: 2, out: "deleted a/one\ndeleted b\n" });
    expect(removed.err).toContain("there is no artifact nothing");
    expect((await muster("list --prefix c")).err).toBe("there is no artifact that fits\n");
  });

  test("a terminal shows how far it has come, and nothing of it stays", async () => {
    writeFileSync(join(cwd, "page.html"), "<p>");
    expect((await muster("put page.html", { isTTY: true })).err).toContain("3 B of 3 B (100%)");
  });
});

describe("an artifact is left alone", () => {
  test.each([
    ["put nowhere", "there is no file nowhere"],
    ["put .", "is a folder"],
    ["put -", "name a key"],
    ["put - ../x", "The key of the artifact"],
    ["show nothing", "there is no artifact nothing"],
    ["get nothing", "There is no artifact nothing"],
    ["get b - --json", "not both"],
  ])("by %s", async (line, reason) => {
    const { exitCode, err } = await muster(line);
    expect(exitCode).toBe(2);
    expect(err).toContain(reason);
  });

  test("where a file stands in its way, unless that may go", async () => {
    await muster("put - b", { input: "new" });
    writeFileSync(join(cwd, "b"), "old");
    expect(await muster("get b")).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(/--force replaces it/),
    });
    expect(readFileSync(join(cwd, "b"), "utf8")).toBe("old");
    expect((await muster("get b --force")).exitCode).toBe(0);
    expect(readFileSync(join(cwd, "b"), "utf8")).toBe("new");
  });

  test("where its content is not right, or can't be written, and nothing is left", async () => {
    await muster("put - b", { input: "content" });
    expect(await muster("get b", { damage: true })).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/not what was stored/),
    });
    expect(await muster("get b no/such/folder/b")).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/cannot write/),
    });
    expect(existsSync(join(cwd, "b"))).toBe(false);
    expect(readdirSync(cwd)).toEqual([]);
  });
});
