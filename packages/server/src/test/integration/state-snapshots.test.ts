import { limits, type StateSnapshotLine } from "@muster/sdk/protocol";
import { describe, expect, test } from "vitest";
import { createInMemoryBlobs } from "../../adapters/blob-store/in-memory/create-in-memory-blobs.ts";
import type { Principal } from "../../core/orchestrator.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Database } from "../../ports/database.ts";
import { cut } from "../contracts/blob-content.ts";
import { someone } from "../orchestrate.ts";
import { useSnapshots } from "../use-snapshots.ts";

const { at, state, snapshots, put, serviceOn } = useSnapshots();
const other: Principal = { tenant: "other", role: "client", name: "stranger" };
const linesOf = async (id: string): Promise<StateSnapshotLine[]> => {
  const { body } = await snapshots().content(id);
  let text = "";
  for await (const chunk of body) text += new TextDecoder().decode(chunk);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
};

describe("a snapshot", () => {
  test("is the documents of one moment with their versions, and can be read without the server", async () => {
    await put("a/b", { n: 1 });
    await put("a/b", { n: 2 });
    await put("gone", 1);
    await state().write("gone", { kind: "delete" });
    await put("list", [1, "ä\u2028"]);
    await put("x", 1, "else");
    const taken = await snapshots().create({ label: "before" });
    expect(taken).toMatchObject({
      project: "demo",
      label: "before",
      by: "test",
      documents: 2,
      newestVersion: 2,
    });
    await put("a/b", { n: 3 });
    expect(await snapshots().get(taken.id)).toEqual(taken);
    const lines = await linesOf(taken.id);
    expect(Object.fromEntries(lines.map(({ path, version, content }) => [path, [version, content]]))).toEqual(
      {
        "a/b": [2, { n: 2 }],
        list: [1, [1, "ä\u2028"]],
      },
    );
    const stored = await at.muster.ports.blobs.head(`state-snapshots/default/demo/${taken.id}.ndjson`);
    expect(stored).toMatchObject({ sha256: taken.sha256, bytes: taken.bytes });
  });

  test("of documents that are written meanwhile shows the moment at which it began", async () => {
    for (let n = 0; n < 130; n++) await put(`d${n}`, { n, round: 0 });
    const writing = { ...at.database, ...slowly(at.database, (n) => put(`d${n}`, { n, round: 1 })) };
    const service = serviceOn({ database: writing });
    const { id, documents } = await service.create();
    expect(documents).toBe(130);
    expect((await linesOf(id)).map(({ content }) => (content as { round: number }).round)).toEqual(
      Array(130).fill(0),
    );
    expect((await state().get("d0")).content).toMatchObject({ round: 1 });
  });

  test("of a document that is overwritten faster than it is read says so and leaves nothing", async () => {
    await put("hot", 0);
    let statements = 0;
    const racing: Database = {
      ...at.database,
      query: async (statement, parameters) => {
        if (statement.name === "read_state_versions") {
          statements++;
          for (let n = 0; n < limits.stateVersionsKept + 40; n++) await put("hot", n);
        }
        return at.database.query(statement, parameters);
      },
    };
    const taking = serviceOn({ database: racing }).create();
    await expect(taking).rejects.toMatchObject({ code: "unavailable" });
    expect(statements).toBe(3);
    expect((await at.muster.ports.blobs.list("state-snapshots/")).blobs).toEqual([]);
  });

  test("is another tenant's and another project's business", async () => {
    await put("x", 1);
    const { id } = await snapshots().create();
    for (const foreign of [snapshots("demo", other), snapshots("demo2")]) {
      expect((await foreign.list()).items).toEqual([]);
      for (const call of [foreign.get(id), foreign.restore(id), foreign.delete(id), foreign.content(id)])
        await expect(call).rejects.toMatchObject({ code: "not_found" });
    }
    for (const id of ["", "../x", "x"]) {
      await expect(snapshots().get(id)).rejects.toMatchObject({ code: "not_found" });
      await expect(snapshots().delete(id)).rejects.toMatchObject({ code: "not_found" });
    }
  });

  test("is listed newest first, page by page, and pruned", async () => {
    await put("x", 1);
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift((await snapshots().create()).id);
    const page = await snapshots().list({ limit: 2 });
    expect(page).toMatchObject({ items: [{ id: ids[0] }, { id: ids[1] }], next: ids[1] });
    expect((await snapshots().list({ before: ids[1] as string })).items.map(({ id }) => id)).toEqual(
      ids.slice(2),
    );
    expect(await snapshots().prune({ keep: 3, dryRun: true })).toMatchObject({ removed: ids.slice(3) });
    expect((await snapshots().list()).items).toHaveLength(5);
    const { id } = await snapshots().create({ keep: 2 });
    expect((await snapshots().list()).items.map((one) => one.id)).toEqual([id, ids[0]]);
    await snapshots().delete(id);
    expect((await at.muster.ports.blobs.list("state-snapshots/")).blobs).toHaveLength(2);
  });

  test("that a crash cut off is none, and goes away after a day", async () => {
    const blobs = createInMemoryBlobs();
    const dying: BlobStore = {
      ...blobs,
      put: (key, body, options) =>
        key.endsWith(".json") ? Promise.reject(new Error("the node died")) : blobs.put(key, body, options),
    };
    await put("x", 1);
    await expect(serviceOn({ blobs: dying }).create()).rejects.toThrow("died");
    const keysOf = async () => (await blobs.list("")).blobs.map(({ key }) => key);
    expect(await keysOf()).toHaveLength(1);
    const { clock } = at.muster.ports;
    const tomorrow = { ...clock, now: () => clock.now() + 25 * 3_600_000 };
    const later = serviceOn({ blobs, clock: tomorrow });
    expect((await later.list()).items).toEqual([]);
    const { id } = await later.create();
    expect((await keysOf()).every((key) => key.includes(id))).toBe(true);
  });

  test("more than a project may have are refused", async () => {
    const { blobs } = at.muster.ports;
    await put("x", 1);
    const first = await snapshots().create();
    const manifest = JSON.stringify({ format: 1, ...first });
    for (let n = 1; n < limits.stateSnapshotsPerProject; n++) {
      const id = at.muster.ports.ids.next();
      await blobs.put(`state-snapshots/default/demo/${id}.json`, cut(Buffer.from(manifest)));
    }
    await expect(snapshots().create()).rejects.toMatchObject({ code: "limit_exceeded" });
    await snapshots().create({ keep: 3 });
    expect(await snapshots().create()).toMatchObject({ documents: 1 });
  });
});

test("what happens to snapshots is told", async () => {
  await put("a", 1);
  const { id } = await snapshots().create();
  await snapshots().restore(id);
  await snapshots().delete(id);
  const types = ["state.snapshot.created", "state.snapshot.restored", "state.snapshot.deleted"] as const;
  const told = await at.muster.orchestrator.events.read(0, { types }, someone);
  expect(told.map(({ type, data }) => [type, data.snapshot])).toEqual(types.map((type) => [type, id]));
  expect(await at.muster.orchestrator.events.read(0, { types }, other)).toEqual([]);
});

/** Writes the documents of each page, one by one, before it is read. */
function slowly(database: Database, write: (n: number) => Promise<unknown>): Pick<Database, "query"> {
  let next = 0;
  return {
    query: async (statement, parameters) => {
      if (statement.name === "read_state_versions")
        for (const end = Math.min(130, next + 65); next < end; next++) await write(next);
      return database.query(statement, parameters);
    },
  };
}
