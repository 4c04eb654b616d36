import type { MusterError } from "@muster/sdk/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Principal } from "../../core/orchestrator.ts";
import { cut } from "../contracts/blob-content.ts";
import { useSnapshots } from "../use-snapshots.ts";

const { at, state, snapshots, put, contents, serviceOn } = useSnapshots();

describe("a restore", () => {
  test("refuses where documents were changed since, names them, and writes nothing", async () => {
    await put("a", 1);
    await put("b", 1);
    await put("c", 1);
    const { id } = await snapshots().create();
    await put("a", 2);
    await state().write("c", { kind: "delete" });
    const refused = await snapshots()
      .restore(id)
      .catch((error: unknown) => error as MusterError);
    expect(refused).toMatchObject({
      code: "conflict",
      message: expect.stringContaining("a (1 → 2)"),
      details: { changed: [{ path: "a", snapshotVersion: 1, version: 2 }] },
    });
    expect(await contents()).toEqual({ a: 2, b: 1 });
    expect(await snapshots().restore(id, { dryRun: true })).toMatchObject({
      created: 1,
      kept: 1,
      unchanged: 1,
      before: null,
    });
  });

  test("replaces on request, keeps what was there in the history and in a snapshot, and can be undone", async () => {
    await put("a", { n: 1 });
    await put("b", 1);
    const { id } = await snapshots().create();
    await put("a", { n: 2 });
    await put("new", 1);
    const done = await snapshots().restore(id, { onChanged: "replace", deleteOthers: true });
    expect(done).toMatchObject({ replaced: 1, deleted: 1, unchanged: 1, outrun: 0 });
    expect(await contents()).toEqual({ a: { n: 1 }, b: 1 });
    expect(await state().get("a", 2)).toMatchObject({ content: { n: 2 } });
    expect(await state().get("a")).toMatchObject({ version: 3 });
    await snapshots().restore(done.before as string, { onChanged: "replace", deleteOthers: true });
    expect(await contents()).toEqual({ a: { n: 2 }, b: 1, new: 1 });
    expect(await snapshots().restore(done.before as string)).toMatchObject({ unchanged: 3, before: null });
  });

  test("keeps what was changed on request, and makes only what is gone", async () => {
    await put("a", 1);
    await put("b", 1);
    const { id } = await snapshots().create();
    await put("a", 2);
    await state().write("b", { kind: "delete" });
    expect(await snapshots().restore(id, { onChanged: "keep" })).toMatchObject({ created: 1, kept: 1 });
    expect(await contents()).toEqual({ a: 2, b: 1 });
  });

  test("leaves a document that somebody writes meanwhile as they wrote it, and says so", async () => {
    for (const path of ["a", "b"]) await put(path, 1);
    const { id } = await snapshots().create();
    for (const path of ["a", "b"]) await put(path, 2);
    const { orchestrator } = at.muster;
    const racing = {
      ...orchestrator.state,
      of: (who: Principal, project: string) => {
        const space = orchestrator.state.of(who, project);
        const write: typeof space.write = async (path, wanted) => {
          if (path === "a") await space.write(path, { kind: "put", body: "theirs" });
          return space.write(path, wanted);
        };
        return { ...space, write };
      },
    };
    const done = await serviceOn({}, racing).restore(id, { onChanged: "replace" });
    expect(done).toMatchObject({ replaced: 1, outrun: 1 });
    expect(done.documents).toContainEqual({
      path: "a",
      outcome: "outrun",
      snapshotVersion: 1,
      replacedVersion: 2,
    });
    expect(await contents()).toEqual({ a: "theirs", b: 1 });
  });

  test("of a part touches nothing beside it", async () => {
    for (const path of ["p/a", "p/b", "q"]) await put(path, 1);
    const { id } = await snapshots().create({ prefix: "p/" });
    for (const path of ["p/a", "p/c", "q", "r"]) await put(path, 2);
    const wish = { onChanged: "replace", deleteOthers: true } as const;
    await snapshots().restore(id, wish);
    expect(await contents()).toEqual({ "p/a": 1, "p/b": 1, q: 2, r: 2 });
    await put("p/a", 3);
    await snapshots().restore(id, { ...wish, prefix: "p/b" });
    expect(await contents()).toMatchObject({ "p/a": 3 });
  });

  test("into another project makes it the same, within the tenant", async () => {
    await put("a", 1);
    const { id } = await snapshots().create();
    expect(await snapshots().restore(id, { into: "copy" })).toMatchObject({ created: 1, project: "copy" });
    expect(await contents("copy")).toEqual({ a: 1 });
    await expect(snapshots().restore(id, { into: "../x" })).rejects.toMatchObject({
      code: "invalid_request",
    });
  });

  test("makes of whatever has happened what was there", async () => {
    const path = fc.constantFrom("a", "b", "c/d", "e");
    const write = fc.record({ path, body: fc.option(fc.jsonValue({ maxDepth: 2 })) });
    const play = async (writes: { path: string; body: unknown }[]) => {
      for (const { path, body } of writes) {
        if (body !== null) await put(path, body);
        else
          await state()
            .write(path, { kind: "delete" })
            .catch(() => {});
      }
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { maxLength: 8 }),
        fc.array(write, { maxLength: 8 }),
        async (past, later) => {
          await play(past);
          const then = await contents();
          const { id } = await snapshots().create({ keep: 1 });
          await play(later);
          const since = await contents();
          const { before } = await snapshots().restore(id, { onChanged: "replace", deleteOthers: true });
          expect(await contents()).toEqual(then);
          if (before === null) return;
          await snapshots().restore(before, { onChanged: "replace", deleteOthers: true });
          expect(await contents()).toEqual(since);
        },
      ),
      { numRuns: 15 },
    );
  });

  test.each([
    [
      "content of others",
      ".ndjson",
      '{"path":"x","version":1,"writtenAt":"","writtenBy":"","content":1}\n',
      "content_damaged",
    ],
    ["a manifest that is no JSON", ".json", "{", "content_damaged"],
    ["a manifest of something else", ".json", '{"format":1,"id":"x"}', "content_damaged"],
    ["a manifest of a newer version", ".json", '{"format":2,"other":1}', "conflict"],
  ])("refuses %s and changes nothing", async (_, ending, text, code) => {
    await put("a", 1);
    const { id } = await snapshots().create();
    await put("a", 2);
    const key = `state-snapshots/default/demo/${id}${ending}`;
    await at.muster.ports.blobs.put(key, cut(Buffer.from(text)));
    await expect(snapshots().restore(id, { onChanged: "replace" })).rejects.toMatchObject({ code });
    expect(await contents()).toEqual({ a: 2 });
    await snapshots().delete(id);
    expect((await snapshots().list()).items).toEqual([]);
  });
});
