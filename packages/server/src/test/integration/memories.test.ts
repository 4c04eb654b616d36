import { limits, type Memory, type MemoryRequest } from "@muster/sdk/protocol";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createSystemIds } from "../../adapters/ids/system-ids.ts";
import { createMemory } from "../../core/memory/create-memory.ts";
import type { Principal } from "../../core/orchestrator.ts";
import { pruneMemories } from "../../core/queue/statements/memories.ts";
import { beginSearch, searchWords } from "../../core/queue/statements/search-memories.ts";
import type { Database } from "../../ports/database.ts";
import { freshDatabase, root, silentLog, someone } from "../orchestrate.ts";

let database: Database;
let now = 0;
const clock = { now: () => now, setTimer: () => ({ cancel() {} }) };
const stranger: Principal = { tenant: "other", role: "client", name: "stranger" };

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.execute("delete from memory");
  now = 1_800_000_000_000;
});

const service = () => createMemory({ database, clock, ids: createSystemIds(), log: silentLog }).service;
const memories = (who = someone) => service().of(who);
const textsOf = (items: readonly { memory: Memory }[]) => items.map(({ memory }) => memory.text);
const found = async (query: string, how: object = {}, who = someone) =>
  textsOf((await memories(who).recall({ query, ...how })).items);

describe("a memory", () => {
  test("is remembered once, brought up to date, listed and forgotten", async () => {
    const first = await memories().remember({ text: "We deploy on Tuesdays.", metadata: { kind: "habit" } });
    expect(first).toMatchObject({
      created: true,
      memory: { scope: "global", agent: null, project: null, createdBy: "test", uses: 0, model: null },
    });
    now += 5_000;
    const again = await memories().remember({ text: "We  deploy\non Tuesdays. ", ttlMs: 1_000 });
    expect(again).toMatchObject({
      created: false,
      memory: { id: first.memory.id, createdAt: first.memory.createdAt, metadata: { kind: "habit" } },
    });
    expect(Date.parse(again.memory.updatedAt)).toBe(now);
    expect(Date.parse(again.memory.expiresAt ?? "")).toBe(now + 1_000);
    expect(await memories().get(first.memory.id)).toEqual(again.memory);
    expect((await memories().list({})).items).toEqual([again.memory]);
    expect(await memories().forget(first.memory.id)).toEqual({ forgotten: 1 });
    expect(await memories().forget(first.memory.id)).toEqual({ forgotten: 0 });
    await expect(memories().get(first.memory.id)).rejects.toMatchObject({ code: "not_found" });
  });

  test("of the same text in another place or tenant is another one", async () => {
    const places = [{}, { project: "shop" }, { project: "site" }];
    for (const place of places)
      expect(await memories().remember({ text: "twin", ...place })).toMatchObject({ created: true });
    expect(await memories(stranger).remember({ text: "twin" })).toMatchObject({ created: true });
    expect((await memories().list({})).items).toHaveLength(3);
    expect(await found("twin", { project: "shop" })).toHaveLength(2);
    expect(await found("twin", { project: "shop", scopes: ["project"] })).toHaveLength(1);
    expect((await memories(stranger).list({})).items).toHaveLength(1);
  });

  test("counts a use once a minute", async () => {
    const { memory } = await memories().remember({ text: "used" });
    const uses = async () => (await memories().get(memory.id)).uses;
    await found("used");
    await expect.poll(uses, { timeout: 10_000 }).toBe(1);
    await found("used");
    now += 61_000;
    await found("used");
    await expect.poll(uses, { timeout: 10_000 }).toBe(2);
  });

  test("is gone when its time is over, and new when it is remembered again", async () => {
    await memories().remember({ text: "soon gone", metadata: { old: true }, ttlMs: 1_000 });
    await memories().remember({ text: "stays here" });
    now += 1_000;
    expect(await found("soon gone stays")).toEqual(["stays here"]);
    expect((await memories().list({})).items).toHaveLength(1);
    const again = await memories().remember({ text: "soon gone" });
    expect(again).toMatchObject({ created: true, memory: { metadata: {}, expiresAt: null } });
    await memories().remember({ text: "also gone", ttlMs: 1_000 });
    now += 1_000;
    expect(await database.query(pruneMemories, [now, 10])).toHaveLength(1);
    expect((await memories().list({})).items).toHaveLength(2);
  });

  test("is found by what its metadata contain", async () => {
    await memories().remember({ text: "red apple", metadata: { kind: "fruit", tags: ["red", "round"] } });
    await memories().remember({ text: "green apple", metadata: { kind: "fruit", tags: ["green"] } });
    expect(await found("apple", { metadata: { tags: ["red"] } })).toEqual(["red apple"]);
    expect(await found("apple", { metadata: { kind: "fruit" } })).toHaveLength(2);
    expect(await found("apple", { metadata: { kind: "tree" } })).toEqual([]);
  });

  test("of an awkward text comes back as it is, and is found", async () => {
    const texts = [
      `it's "quoted" \\ 'back\\slashed' & | ! <-> :*`,
      "☃ naïve Ünïcode 日本語",
      "src/core/tasks.ts:12",
    ];
    for (const text of texts) await memories().remember({ text });
    expect((await memories().list({})).items.map(({ text }) => text).sort()).toEqual([...texts].sort());
    expect(await found(texts[0] as string)).toContain(texts[0]);
    expect(await found("naïve")).toEqual([texts[1]]);
    expect(await found("日本語")).toEqual([texts[1]]);
    expect(await found("tasks")).toEqual([texts[2]]);
    for (const query of ["'", "\\", '"', "-", "& | !", "   ", "a:*", "<->"])
      expect(await found(query)).toEqual([]);
  });

  test.each<[string, MemoryRequest, string]>([
    ["no text", { text: "" }, "invalid_request"],
    ["a blank text", { text: " \n " }, "invalid_request"],
    ["a text that is too long", { text: "x".repeat(limits.memoryTextLength + 1) }, "invalid_request"],
    ["a NUL", { text: "a\u0000b" }, "invalid_request"],
    [
      "large metadata",
      { text: "a", metadata: { x: "y".repeat(limits.memoryMetadataBytes) } },
      "payload_too_large",
    ],
    ["scope project without one", { text: "a", scope: "project" }, "invalid_request"],
    ["a global one of a project", { text: "a", scope: "global", project: "shop" }, "invalid_request"],
    ["a bad name", { text: "a", project: "a b" }, "invalid_request"],
    ["an agent's", { text: "a", agent: "coder" }, "forbidden"],
  ])("with %s is refused and leaves no trace", async (_, request, code) => {
    await expect(memories().remember(request)).rejects.toMatchObject({ code });
    expect((await memories(root).list({})).items).toEqual([]);
  });
});

describe("memories of agents", () => {
  const admin: Principal = { tenant: "default", role: "admin", name: "boss" };

  test("are seen by admins of the tenant, and by no client", async () => {
    const { memory } = await memories(admin).remember({ text: "secret plan", agent: "coder" });
    expect(memory).toMatchObject({ scope: "agent", agent: "coder" });
    expect(await found("plan", { agent: "coder" }, admin)).toEqual(["secret plan"]);
    expect((await memories(admin).list({ agent: "coder" })).items).toHaveLength(1);
    expect(await found("plan")).toEqual([]);
    expect((await memories().list({})).items).toEqual([]);
    await expect(memories().get(memory.id)).rejects.toMatchObject({ code: "not_found" });
    expect(await memories().forget(memory.id)).toEqual({ forgotten: 0 });
    for (const refused of [
      memories().recall({ query: "plan", agent: "coder" }),
      memories().list({ agent: "coder" }),
      memories().list({ scope: "agent" }),
      memories().forgetAll({ scope: "agent", agent: "coder" }),
    ])
      await expect(refused).rejects.toMatchObject({ code: "forbidden" });
    const elsewhere = memories({ tenant: "other", role: "admin", name: "spy" });
    await expect(elsewhere.get(memory.id)).rejects.toMatchObject({ code: "not_found" });
    expect(await elsewhere.forget(memory.id)).toEqual({ forgotten: 0 });
    expect((await elsewhere.recall({ query: "plan", agent: "coder" })).items).toEqual([]);
    expect(await memories(admin).get(memory.id)).toMatchObject({ text: "secret plan" });
  });
});

describe("a question", () => {
  test("finds what has most of its rare words, whatever their form", async () => {
    for (let n = 0; n < 20; n++) await memories().remember({ text: `The server number ${n} was restarted` });
    await memories().remember({ text: "Certificates of the server are renewed by cron" });
    expect((await found("how do we renew a certificate of some server?"))[0]).toMatch(/^Certificates/);
    expect(await found("restarting", { limit: 50 })).toHaveLength(20);
  });

  test("with quotation marks or a minus is taken literally", async () => {
    await memories().remember({ text: "blue green deployment" });
    await memories().remember({ text: "green and blue paint" });
    expect(await found("blue green")).toHaveLength(2);
    expect(await found('"blue green"')).toEqual(["blue green deployment"]);
    expect(await found("green -paint")).toEqual(["blue green deployment"]);
    expect(await found('"green deployment" -blue')).toEqual([]);
  });

  test("pages through everything there is", async () => {
    for (let n = 0; n < 7; n++) await memories().remember({ text: `note ${n}`, project: "shop" });
    const first = await memories().list({ project: "shop", limit: 5 });
    const second = await memories().list({ project: "shop", limit: 5, before: first.next as string });
    expect(first.items.map(({ text }) => text)).toEqual([6, 5, 4, 3, 2].map((n) => `note ${n}`));
    expect([second.items.map(({ text }) => text), second.next]).toEqual([["note 1", "note 0"], null]);
    expect(await memories().forgetAll({ scope: "project", project: "shop" })).toEqual({ forgotten: 7 });
  });
});

test("small and large spaces are searched differently, and find the same", async () => {
  for (let n = 0; n < 30; n++) {
    const text = `note ${n} ${n % 2 ? "zorb" : "kivan"} ${n % 5 ? "lumok" : "praxo"}`;
    for (const who of [someone, stranger]) {
      await memories(who).remember({ text, metadata: { even: n % 2 === 0 } });
      await memories(who).remember({ text, project: "shop", ttlMs: n < 10 ? 1 : 60_000 });
    }
  }
  now += 10;
  const ask = (width: "narrow" | "wide", spaces: string[], filter: string | null) =>
    database.transaction(async (tx) => {
      await tx.query(beginSearch);
      const rows = await tx.query(searchWords(width), ["default", spaces, "praxo zorb's", now, filter, 100]);
      return rows.map(({ id }) => id);
    });
  for (const spaces of [["global:"], ["project:shop"], ["global:", "project:shop"], ["agent:none"]]) {
    for (const filter of [null, '{"even": true}']) {
      const found = await ask("wide", spaces, filter);
      expect(found).toEqual(await ask("narrow", spaces, filter));
      const size = {
        "global:": filter === null ? 18 : 3,
        "project:shop": filter === null ? 12 : 0,
        "agent:none": 0,
      };
      expect(found).toHaveLength(spaces.reduce((sum, space) => sum + size[space as "global:"], 0));
    }
  }
});

// Words that stay as they are when they are brought to their stem.
const words = ["zorb", "kivan", "lumok", "praxo", "tindu", "vekto", "wamp", "yolk"];
const words$ = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 });
const place = fc.constantFrom<{ project?: string }>({}, { project: "one" }, { project: "two" });
const step = fc.oneof(
  fc.record({
    kind: fc.constant("remember" as const),
    words: words$,
    place,
    tenant: fc.boolean(),
    brief: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("wait" as const) }),
  fc.record({ kind: fc.constant("forget" as const), which: fc.nat(20) }),
  fc.record({ kind: fc.constant("recall" as const), words: words$, place, tenant: fc.boolean() }),
);

/** What a store should know, searched from end to end. */
interface Known {
  id: string;
  tenant: boolean;
  project: string | undefined;
  text: string;
  endsAt: number;
}

test("behaves as a list that is searched from end to end", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      await database.execute("delete from memory");
      let model: Known[] = [];
      const as = (tenant: boolean) => memories(tenant ? stranger : someone);
      for (const one of steps) {
        model = model.filter(({ endsAt }) => endsAt > now);
        if (one.kind === "wait") now += 1_000;
        else if (one.kind === "forget") {
          const known = model[one.which % Math.max(1, model.length)];
          if (known === undefined) continue;
          expect(await as(!known.tenant).forget(known.id)).toEqual({ forgotten: 0 });
          expect(await as(known.tenant).forget(known.id)).toEqual({ forgotten: 1 });
          model = model.filter((other) => other !== known);
        } else if (one.kind === "remember") {
          const { tenant, place, brief } = one;
          const text = one.words.join(" ");
          const known = model.find(
            (other) => other.tenant === tenant && other.project === place.project && other.text === text,
          );
          const answer = await as(tenant).remember({ text, ...place, ...(brief ? { ttlMs: 1_000 } : {}) });
          expect(answer.created).toBe(known === undefined);
          if (known !== undefined && brief) known.endsAt = now + 1_000;
          if (known !== undefined) continue;
          const endsAt = brief ? now + 1_000 : Number.POSITIVE_INFINITY;
          model.push({ id: answer.memory.id, tenant, project: place.project, text, endsAt });
        } else {
          const { tenant, place } = one;
          const { items } = await as(tenant).recall({ query: one.words.join(" "), ...place, limit: 50 });
          const asked = new Set(one.words);
          const fits = model.filter(
            (known) =>
              known.tenant === tenant &&
              (known.project === undefined || known.project === place.project) &&
              known.text.split(" ").some((word) => asked.has(word)),
          );
          expect(items.map(({ memory }) => memory.id).sort()).toEqual(fits.map(({ id }) => id).sort());
          const shared = ({ text }: Memory) =>
            [...asked].filter((word) => text.split(" ").includes(word)).length;
          const all = items.map(({ memory }) => shared(memory) === asked.size);
          expect(all).toEqual([...all].sort((left, right) => Number(right) - Number(left)));
        }
      }
    }),
    { numRuns: 25 },
  );
});
