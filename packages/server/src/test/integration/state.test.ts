import { limits, MusterError, type StateConflict } from "@muster/sdk/protocol";
import { describe, expect, test } from "vitest";
import type { Principal } from "../../core/orchestrator.ts";
import { pruneState } from "../../core/queue/statements/state.ts";
import { createStateService } from "../../core/state/state-service.ts";
import { orchestrate, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator();
const other: Principal = { tenant: "other", role: "client", name: "stranger" };
const state = (project = "demo", who = someone) => at.muster.orchestrator.state.of(who, project);
const refusalOf = async (work: Promise<unknown>): Promise<MusterError> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MusterError);
  return error as MusterError;
};
const put = (path: string, body: unknown, ifVersion?: number) =>
  state().write(path, { kind: "put", body, ...(ifVersion === undefined ? {} : { ifVersion }) });

describe("a document", () => {
  test("is written, read, changed, deleted and written again under versions that never repeat", async () => {
    expect(await put("a/b", { n: 1 })).toMatchObject({
      version: 1,
      deleted: false,
      bytes: 7,
      writtenBy: "test",
    });
    expect(await state().get("a/b")).toMatchObject({ version: 1, content: { n: 1 } });
    const merged = await state().write("a/b", { kind: "merge-patch", body: { m: [1], n: null } });
    expect(merged).toMatchObject({ version: 2, content: { m: [1] } });
    const patch = [
      { op: "test", path: "/m/0", value: 1 },
      { op: "add", path: "/m/-", value: 2 },
    ];
    expect(await state().write("a/b", { kind: "json-patch", body: patch })).toMatchObject({
      content: { m: [1, 2] },
    });
    expect(await state().write("a/b", { kind: "delete", ifVersion: 3 })).toMatchObject({
      version: 4,
      deleted: true,
    });
    await expect(state().get("a/b")).rejects.toMatchObject({ code: "not_found" });
    expect((await state().list()).items).toEqual([]);
    expect(await put("a/b", "again", 0)).toMatchObject({ version: 5 });
    const { items } = await state().versions("a/b");
    expect(items.map(({ version, deleted }) => [version, deleted])).toEqual([
      [5, false],
      [4, true],
      [3, false],
      [2, false],
      [1, false],
    ]);
    expect(await state().get("a/b", 2)).toMatchObject({ content: { m: [1] } });
    expect(await state().diff("a/b", 2, 3)).toMatchObject({ patch: [{ op: "add", path: "/m/-", value: 2 }] });
  });

  test("is not given the versions of one that was deleted and forgotten", async () => {
    await put("x", 1);
    await put("x", 2);
    await state().write("x", { kind: "delete" });
    expect(await at.database.query(pruneState, [Number.MAX_SAFE_INTEGER, 10])).toEqual([{ path: "x" }]);
    await expect(state().versions("x")).rejects.toMatchObject({ code: "not_found" });
    expect(await put("x", 3, 0)).toMatchObject({ version: 4 });
  });

  test("keeps a bounded history", async () => {
    for (let n = 1; n <= 130; n++) await put("x", n);
    const { items } = await state().versions("x");
    expect(items.length).toBeGreaterThan(limits.stateVersionsKept);
    expect(items.length).toBeLessThanOrEqual(limits.stateVersionsKept + 17);
    expect(items[0]).toMatchObject({ version: 130 });
  });

  test("that can't be stored is refused and leaves nothing behind", async () => {
    const refused: [unknown, string][] = [
      [undefined, "invalid_request"],
      [null, "invalid_request"],
      ["\u0000", "invalid_request"],
      ["x".repeat(limits.stateDocumentBytes), "payload_too_large"],
      [JSON.parse(`${"[".repeat(65)}${"]".repeat(65)}`), "limit_exceeded"],
    ];
    for (const [body, code] of refused) expect((await refusalOf(put("x", body))).code).toBe(code);
    expect(await state().list()).toMatchObject({ items: [], createdAt: null });
  });

  test("is not called what no file could be, or what leads out of its project", async () => {
    const bad = ["", "/x", "x/", "a//b", "../x", "a/../b", ".x", "a/.b", "a b", "x\u0000", "x".repeat(121)];
    for (const path of bad) expect((await refusalOf(put(path, 1))).code).toBe("invalid_request");
    for (const project of ["", "..", ".x", "a/b"]) expect(() => state(project)).toThrow("not valid");
  });

  test("is another tenant's and another project's business", async () => {
    await put("x", 1);
    expect((await state("demo", other).list()).items).toEqual([]);
    expect((await state("demo2").list()).items).toEqual([]);
    await expect(state("demo", other).get("x")).rejects.toMatchObject({ code: "not_found" });
    await state("demo", other).write("x", { kind: "put", body: 2 });
    expect((await state().get("x")).content).toBe(1);
    expect(await at.muster.orchestrator.state.projects(other)).toMatchObject([
      { project: "demo", documents: 1 },
    ]);
    expect((await state("demo", other).changes({ after: 0 }, 0)).items).toMatchObject([
      { writtenBy: "stranger" },
    ]);
  });

  test("is listed by prefix, page by page", async () => {
    for (const path of ["b", "a/2", "a/10", "a", "A", "ab"]) await put(path, 1);
    const all = (await state().list()).items.map(({ path }) => path);
    expect(all).toEqual(["A", "a", "a/10", "a/2", "ab", "b"]);
    expect((await state().list({ prefix: "a/" })).items.map(({ path }) => path)).toEqual(["a/10", "a/2"]);
    const page = await state().list({ limit: 4 });
    expect(page.next).toBe("a/2");
    expect((await state().list({ after: "a/2" })).items.map(({ path }) => path)).toEqual(["ab", "b"]);
  });
});

describe("a write for an older version", () => {
  test("is refused with both sides and what they began with", async () => {
    await put("x", { a: 1 });
    await put("x", { a: 2 });
    const { code, details } = await refusalOf(put("x", { a: 3 }, 1));
    expect(code).toBe("precondition_failed");
    expect(details as unknown as StateConflict).toEqual({
      path: "x",
      version: 2,
      yours: { a: 3 },
      theirs: { a: 2 },
      base: { version: 1, content: { a: 1 } },
      conflicts: [],
    });
    expect((await refusalOf(put("x", 1, 0))).code).toBe("precondition_failed");
    expect((await refusalOf(put("y", 1, 7))).details).toMatchObject({ version: null, base: null });
    expect((await state().get("x")).version).toBe(2);
  });

  test("is merged on request", async () => {
    await put("x", { a: 1, b: 1 });
    await put("x", { a: 1, b: 2 });
    const write = { kind: "put", body: { a: 2, b: 1 }, ifVersion: 1, merge: "three-way" } as const;
    expect(await state().write("x", write)).toMatchObject({
      version: 3,
      merged: true,
      content: { a: 2, b: 2 },
    });
    const patch = { kind: "merge-patch", body: { c: 1 }, ifVersion: 1, merge: "three-way" } as const;
    expect(await state().write("x", patch)).toMatchObject({ content: { a: 2, b: 2, c: 1 } });
    const refused = await refusalOf(state().write("x", { ...write, body: { a: 1, b: 3 } }));
    expect(refused).toMatchObject({ code: "conflict", details: { version: 4, conflicts: [{ path: "/b" }] } });
    expect((await state().get("x")).version).toBe(4);
  });

  test("is refused where what it began with is not kept", async () => {
    await put("x", 1);
    const write = { kind: "put", body: 2, ifVersion: 9, merge: "three-way" } as const;
    expect(await refusalOf(state().write("x", write))).toMatchObject({ code: "precondition_failed" });
  });
});

test("a grant of a lock that is over writes no more, whether the lock is asked or the document", async () => {
  const grants = new Map<string, number>();
  const service = createStateService({
    ...at.muster.ports,
    announce: () => {},
    events: at.muster.orchestrator.events,
    proveLocks: async (_, locks) => locks.map(({ token }) => grants.get(token) ?? null),
  });
  const token = (fence: number) => `0190163d-8694-739b-aea5-966c26f8ad0${fence}`;
  for (const fence of [3, 6, 7]) grants.set(token(fence), fence);
  const under = (fence: number) =>
    service
      .of(someone, "demo")
      .write("x", { kind: "put", body: fence, lock: { name: "l", token: token(fence) } });
  expect(await refusalOf(under(1))).toMatchObject({ code: "lock_lost" });
  await under(3);
  await under(3);
  await under(7);
  expect(await refusalOf(under(6))).toMatchObject({ code: "lock_lost" });
  await put("x", "free");
  expect(await refusalOf(under(6))).toMatchObject({ code: "lock_lost" });
  expect((await state().get("x")).content).toBe("free");
});

test("a lock that somebody else got since writes no more", async () => {
  const locks = at.muster.orchestrator.locks.of(someone);
  const take = async () => (await locks.acquire({ name: "l", ttlMs: 60_000 })).grant?.token as string;
  const under = (token: string, who = someone) =>
    state("demo", who).write("x", { kind: "put", body: 1, lock: { name: "l", token } });
  const first = await take();
  expect(await under(first)).toMatchObject({ version: 1 });
  expect(await refusalOf(under(first, other))).toMatchObject({ code: "lock_lost" });
  await locks.release({ name: "l", token: first });
  expect(await refusalOf(under(first))).toMatchObject({ code: "lock_lost" });
  expect(await under(await take())).toMatchObject({ version: 2 });
  expect(await refusalOf(under(first))).toMatchObject({ code: "lock_lost" });
});

describe("many writers", () => {
  test("of one document lose no write, on two nodes", async () => {
    const second = await orchestrate(at.database);
    try {
      const nodes = [at.muster.orchestrator, second.orchestrator];
      await put("n", { n: 0 });
      await Promise.all(
        Array.from({ length: 10 }, async (_, writer) => {
          const space = nodes[writer % 2]?.state.of(someone, "demo") as ReturnType<typeof state>;
          for (let done = 0; done < 8; ) {
            const { version, content } = await space.get("n");
            const body = { n: (content as { n: number }).n + 1 };
            try {
              await space.write("n", { kind: "put", body, ifVersion: version });
              done++;
            } catch (error) {
              if (!(error instanceof MusterError && error.code === "precondition_failed")) throw error;
            }
          }
        }),
      );
      expect(await state().get("n")).toMatchObject({ version: 81, content: { n: 80 } });
    } finally {
      await second.stop();
    }
  });

  test("that patch different members at once share versions and lose none", async () => {
    await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        state().write("x", { kind: "merge-patch", body: { [`k${n}`]: n } }),
      ),
    );
    const { version, content } = await state().get("x");
    expect(version).toBe(200);
    expect(Object.keys(content as object)).toHaveLength(200);
    const { items } = await state().changes({ after: 0 }, 0);
    expect(items.map((change) => change.version)).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
  });

  test("a refused one does not fail those who came along", async () => {
    const writes = await Promise.allSettled([put("a", 1), put("a", 1, 5), put("b", 1), put("c", null)]);
    expect(writes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "rejected"]);
  });
});

describe("changes", () => {
  test("are followed from a position, with waiting", async () => {
    await put("a/x", 1);
    const { position } = await state().changes({}, 0);
    const waiting = state().changes({ after: position, prefix: "a/" }, 10_000);
    await put("b", 1);
    await state("else").write("a/z", { kind: "put", body: 1 });
    await put("a/x", 2);
    const { items, position: next } = await waiting;
    expect(items).toMatchObject([{ path: "a/x", version: 2, deleted: false, writtenBy: "test" }]);
    await state().write("a/x", { kind: "delete" });
    expect((await state().changes({ after: next }, 10_000)).items).toMatchObject([
      { version: 3, deleted: true },
    ]);
  });

  test("are events that can be followed by project", async () => {
    await put("x", 1);
    await state("else").write("y", { kind: "put", body: 1 });
    const { events } = at.muster.orchestrator;
    const mine = await events.read(0, { project: "demo" }, someone);
    expect(mine).toMatchObject([{ type: "state.written", data: { project: "demo", path: "x", version: 1 } }]);
    expect(await events.read(0, { project: "demo" }, other)).toEqual([]);
  });
});

describe("an agent", () => {
  const writer = (seen: unknown[]) => ({
    name: "writer",
    capabilities: [
      {
        name: "write",
        handler: async (ctx: { taskId: string }) => {
          seen.push(ctx.taskId);
          return null;
        },
      },
    ],
  });

  test("without a live lease reaches nothing", async () => {
    const seen: string[] = [];
    await at.muster.agent(writer(seen));
    await at.muster.finish({ capability: "write" });
    const lease = { agentId: "writer", taskId: seen[0] as string, leaseToken: seen[0] as string };
    const space = at.muster.orchestrator.state.under(lease, "demo");
    await put("x", 1);
    await expect(space.get("x")).rejects.toMatchObject({ code: "lease_lost" });
    await expect(space.write("x", { kind: "put", body: 2 })).rejects.toMatchObject({ code: "lease_lost" });
    expect((await state().get("x")).content).toBe(1);
  });
});
