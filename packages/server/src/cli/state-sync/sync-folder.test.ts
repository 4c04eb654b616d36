import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createStateDocuments } from "@muster/sdk";
import { type Json, MusterError } from "@muster/sdk/protocol";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFakeSpace } from "../../test/fake-state.ts";
import { type SyncDependencies, type SyncEvent, syncFolder } from "./sync-folder.ts";

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "muster-sync-"));
});
afterEach(() => rmSync(top, { recursive: true }));

class Crash extends Error {
  override name = "Crash";
}

const server = () => {
  const space = createFakeSpace("demo");
  return { space, remote: { ...createStateDocuments(space), list: space.list } };
};
type Remote = SyncDependencies["remote"];

const folder = (name: string) => {
  const root = join(top, name);
  mkdirSync(root, { recursive: true });
  const place = (path: string) => join(root, `${path}.json`);
  return {
    root,
    write(path: string, content: unknown) {
      mkdirSync(dirname(place(path)), { recursive: true });
      writeFileSync(place(path), typeof content === "string" ? content : JSON.stringify(content));
    },
    read: (path: string) => JSON.parse(readFileSync(place(path), "utf8")) as Json,
    remove: (path: string) => rmSync(place(path), { force: true }),
    files: () =>
      readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.parentPath.includes(".muster-state"))
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
        .sort(),
    async sync(remote: Remote, between?: () => Promise<void>) {
      const events: SyncEvent[] = [];
      const tell = (event: SyncEvent) => void events.push(event);
      await syncFolder({ root, project: "demo", remote, tell, ...(between && { between }) });
      return events.map(({ what, path }) => `${what} ${path}`);
    },
  };
};

describe("a folder and a project", () => {
  test("are brought in step in both directions, deletions too", async () => {
    const { remote, space } = server();
    const [one, two] = [folder("one"), folder("two")];
    one.write("a/b", { n: 1 });
    one.write("c", [1]);
    expect(await one.sync(remote)).toEqual(["uploaded a/b", "uploaded c"]);
    expect(await one.sync(remote)).toEqual([]);
    expect(await two.sync(remote)).toEqual(["downloaded a/b", "downloaded c"]);
    two.write("a/b", { n: 2 });
    two.remove("c");
    expect(await two.sync(remote)).toEqual(["uploaded a/b", "deleted there c"]);
    expect(await one.sync(remote)).toEqual(["downloaded a/b", "deleted here c"]);
    expect(one.read("a/b")).toEqual({ n: 2 });
    expect(one.files()).toEqual(["a/b.json"]);
    expect((await space.list()).items.map(({ path }) => path)).toEqual(["a/b"]);
  });

  test("are merged where both changed, and what can't be is kept beside", async () => {
    const { remote } = server();
    const [one, two] = [folder("one"), folder("two")];
    one.write("x", { a: 1, b: 1, c: 1 });
    await one.sync(remote);
    await two.sync(remote);
    one.write("x", { a: 2, b: 1, c: 2 });
    two.write("x", { a: 1, b: 2, c: 3 });
    await one.sync(remote);
    expect(await two.sync(remote)).toEqual(["conflict x"]);
    expect(two.read("x")).toEqual({ a: 2, b: 2, c: 2 });
    const kept = two.files().find((name) => name.startsWith("x.json.conflict-")) as string;
    expect(JSON.parse(readFileSync(join(two.root, kept), "utf8"))).toEqual({ a: 1, b: 2, c: 3 });
    await one.sync(remote);
    expect(one.read("x")).toEqual({ a: 2, b: 2, c: 2 });
    expect(await two.sync(remote)).toEqual([]);
  });

  test("keep what was edited on one side and deleted on the other", async () => {
    const { remote } = server();
    const [one, two] = [folder("one"), folder("two")];
    for (const path of ["x", "y"]) one.write(path, 1);
    await one.sync(remote);
    await two.sync(remote);
    one.remove("x");
    one.write("y", 2);
    two.write("x", 2);
    two.remove("y");
    await one.sync(remote);
    expect(await two.sync(remote)).toEqual(["kept x", "kept y"]);
    await one.sync(remote);
    expect([one.read("x"), one.read("y"), two.read("x"), two.read("y")]).toEqual([2, 2, 2, 2]);
  });

  test("leave alone what is no JSON, a link, or badly named, and say so", async () => {
    const { remote, space } = server();
    const one = folder("one");
    one.write("bad", "{");
    one.write("with space", 1);
    one.write("null", "null");
    writeFileSync(join(top, "secret.json"), "1");
    mkdirSync(join(top, "outside"));
    symlinkSync(join(top, "secret.json"), join(one.root, "link.json"));
    symlinkSync(join(top, "outside"), join(one.root, "out"));
    await space.write("out/x", { kind: "put", body: 1 });
    await space.write("bad", { kind: "put", body: 1 });
    expect(await one.sync(remote)).toEqual([
      "problem bad",
      "problem link",
      "problem null",
      "problem out/x",
      "problem with space",
    ]);
    expect(readdirSync(join(top, "outside"))).toEqual([]);
    expect(readFileSync(join(one.root, "bad.json"), "utf8")).toBe("{");
    expect((await space.list()).items.map(({ path }) => path)).toEqual(["bad", "out/x"]);
  });

  test("refuse a path of the server that leads out", async () => {
    const { remote } = server();
    const one = folder("one");
    const entry = { path: "../x", version: 1, bytes: 1, writtenAt: "", writtenBy: "" };
    const list = async () => ({ items: [entry], next: null, createdAt: "1" });
    const get = async () => ({ ...entry, project: "demo", content: 1 });
    expect(await one.sync({ ...remote, list, get })).toEqual(["problem ../x"]);
    expect(readdirSync(top)).toEqual(["one"]);
  });

  test("belong together: another server deletes nothing here", async () => {
    const one = folder("one");
    one.write("x", 1);
    const { remote } = server();
    await one.sync(remote);
    await one.sync(remote);
    await expect(one.sync(server().remote)).rejects.toThrow("another one");
    expect(one.files()).toEqual(["x.json"]);
  });

  test("keep what a program goes on to write into a file that was replaced", async () => {
    const { remote } = server();
    const [one, two] = [folder("one"), folder("two")];
    one.write("x", { n: 1 });
    await one.sync(remote);
    await two.sync(remote);
    one.write("x", { n: 2 });
    await one.sync(remote);
    let step = 0;
    // Between laying the old file aside and replacing it.
    await two.sync(remote, async () => {
      if (++step === 2) two.write("x", { n: 3 });
    });
    await two.sync(remote);
    const texts = two.files().map((name) => readFileSync(join(two.root, name), "utf8"));
    expect(texts.some((text) => text.includes("3"))).toBe(true);
  });
});

/** What users do: each edit writes a token of its own into one member of a document. */
type Action =
  | { kind: "edit"; user: number; path: string; key: string }
  | { kind: "delete"; user: number; path: string }
  | { kind: "sync"; user: number; crashAt: number | null; lostAt: number | null };

const users = [0, 1, 2];
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("edit" as const),
      user: fc.constantFrom(...users),
      path: fc.constantFrom("p", "d/q"),
      key: fc.constantFrom("a", "b", "c"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("delete" as const),
      user: fc.constantFrom(...users),
      path: fc.constantFrom("p", "d/q"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("sync" as const),
      user: fc.constantFrom(...users),
      crashAt: fc.option(fc.nat(8)),
      lostAt: fc.option(fc.nat(6)),
    }),
  },
);

/** The connection breaks at some call: before it arrives, or after it was done. */
const breaking = (remote: Remote, at: number | null): Remote => {
  let calls = 0;
  const unstable =
    <A extends unknown[], R>(call: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      const broken = calls++ === at;
      if (broken && (at as number) % 2 === 0) throw new MusterError("unavailable", "gone");
      const answer = await call(...given);
      if (broken) throw new MusterError("unavailable", "gone");
      return answer;
    };
  return {
    get: unstable(remote.get),
    put: unstable(remote.put),
    delete: unstable(remote.delete),
    list: unstable(remote.list),
  };
};

test("whatever users do, offline and through crashes, all agree in the end and no edit is lost", async () => {
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 4, maxLength: 24 }), async (actions) => {
      const { remote, space } = server();
      const folders = users.map((user) => folder(`${round}-${user}`));
      round++;
      /** Tokens that nobody replaced or deleted knowingly. */
      const alive = new Set<string>();
      const seenIn = (user: number, path: string): Record<string, string> => {
        try {
          return folders[user]?.read(path) as Record<string, string>;
        } catch {
          return {};
        }
      };
      for (const [index, action] of actions.entries()) {
        const mine = folders[action.user] as ReturnType<typeof folder>;
        if (action.kind === "sync") {
          let steps = 0;
          const between = async () => {
            if (steps++ === action.crashAt) throw new Crash();
          };
          await mine.sync(breaking(remote, action.lostAt), between).catch((error: unknown) => {
            if (!(error instanceof Crash || (error instanceof MusterError && error.retryable))) throw error;
          });
          continue;
        }
        const now = seenIn(action.user, action.path);
        if (action.kind === "delete") {
          for (const token of Object.values(now)) alive.delete(token);
          mine.remove(action.path);
        } else {
          alive.delete(now[action.key] ?? "");
          mine.write(action.path, { ...now, [action.key]: `token-${index}` });
          alive.add(`token-${index}`);
        }
      }
      for (let calm = 0; calm < 4; calm++) for (const one of folders) await one.sync(remote);
      const documents = await Promise.all(
        (await space.list()).items.map(async ({ path }) => [path, (await space.get(path)).content] as const),
      );
      let everything = JSON.stringify(documents);
      for (const one of folders) {
        const files = one.files();
        const synced = files.filter((name) => name.endsWith(".json"));
        expect(synced).toEqual(documents.map(([path]) => `${path}.json`).sort());
        for (const [path, content] of documents) expect(one.read(path)).toEqual(content);
        for (const name of files.filter((name) => name.includes(".conflict-")))
          everything += readFileSync(join(one.root, name), "utf8");
      }
      for (const token of alive) expect(everything).toContain(`"${token}"`);
    }),
    { numRuns: 25 },
  );
}, 60_000);
