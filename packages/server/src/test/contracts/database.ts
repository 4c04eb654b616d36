import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Database, SqlValue, Statement } from "../../ports/database.ts";

const statement = <Row>(name: string, text: string): Statement<Row> => ({ name: `contract_${name}`, text });

const insert = statement("insert", "insert into contract (id, label) values ($1, $2)");
const labels = statement<{ label: string }>("labels", "select label from contract order by id");
const echo = statement<{ value: unknown }>("echo", "select $1::text as value");
const fail = statement("fail", "select 1 / $1::int");

/**
 * What every database must do. `makeDatabase` connects to one in which the table `contract` may be created, with
 * nesting checked.
 */
export function describeDatabaseContract(name: string, makeDatabase: () => Promise<Database>): void {
  describe(`${name} as a database`, () => {
    let database: Database;
    beforeAll(async () => {
      database = await makeDatabase();
      await database.execute(
        "drop table if exists contract; create table contract (id int primary key, label text)",
      );
    });
    beforeEach(() => database.execute("truncate contract"));
    afterAll(async () => {
      await database.execute("drop table contract");
      await database.close();
    });
    const allLabels = async () => (await database.query(labels)).map(({ label }) => label);

    it("gives columns the types that the port names", async () => {
      const types = statement(
        "types",
        `select 9007199254740991::bigint as big, 7::int as int, 0.5::real as real, 0.1::float8 as double,
          array[1, -2]::bigint[] as bigs, '{"a":[1,null]}'::json as json, '{"b":true}'::jsonb as jsonb,
          'b7a1c9e2-7b1e-4f0e-9a3b-0123456789ab'::uuid as uuid, true as yes, null as nothing,
          array['a,b', 'c"d', null]::text[] as texts,
          array['b7a1c9e2-7b1e-4f0e-9a3b-0123456789ab']::uuid[] as uuids, count(*) as count`,
      );
      expect(await database.query(types)).toEqual([
        {
          big: Number.MAX_SAFE_INTEGER,
          int: 7,
          real: 0.5,
          double: 0.1,
          bigs: [1, -2],
          json: { a: [1, null] },
          jsonb: { b: true },
          uuid: "b7a1c9e2-7b1e-4f0e-9a3b-0123456789ab",
          yes: true,
          nothing: null,
          texts: ["a,b", 'c"d', null],
          uuids: ["b7a1c9e2-7b1e-4f0e-9a3b-0123456789ab"],
          count: 1,
        },
      ]);
    });

    it("refuses a bigint that would silently become another", async () => {
      const huge = statement("huge", "select 9007199254740993::bigint as big");
      await expect(database.query(huge)).rejects.toThrow("9007199254740993");
      expect(await database.query(echo, ["after"])).toEqual([{ value: "after" }]);
    });

    it("passes every text and every list of texts through unchanged", async () => {
      const lists = statement<{ value: string[] }>("lists", "select $1::text[] as value");
      const text = fc.string({ unit: "grapheme" }).filter((value) => !value.includes("\u0000"));
      await fc.assert(
        fc.asyncProperty(text, fc.array(text, { maxLength: 5 }), async (one, many) => {
          expect(await database.query(echo, [one])).toEqual([{ value: one }]);
          expect((await database.query(lists, [many]))[0]?.value).toEqual(many);
        }),
        { numRuns: 50 },
      );
    });

    it("takes numbers, booleans, null and lists of numbers as parameters", async () => {
      const parameters: SqlValue[] = [1.5, false, null, [1, 2, 3]];
      const kinds = statement(
        "kinds",
        "select $1::float8 as a, $2::bool as b, $3::text as c, $4::bigint[] as d",
      );
      expect(await database.query(kinds, parameters)).toEqual([{ a: 1.5, b: false, c: null, d: [1, 2, 3] }]);
    });

    it("returns large results and takes large parameters whole", async () => {
      const large = "ä".repeat(600_000);
      expect((await database.query(echo, [large]))[0]?.value).toBe(large);
      const series = statement<{ n: number }>("series", "select n from generate_series(1, 20000) as n");
      const rows = await database.query(series);
      expect(rows.length).toBe(20_000);
      expect(rows[19_999]).toEqual({ n: 20_000 });
    });

    it("stays usable after every kind of failing statement, with the SQLSTATE in the error", async () => {
      const broken: [Statement<unknown>, SqlValue[], string][] = [
        [statement("syntax", "selekt 1"), [], "42601"],
        [statement("missing", "select * from no_such_table"), [], "42P01"],
        [fail, [0], "22012"],
        [statement("type", "select $1::int"), ["x"], "22P02"],
        [statement("nul", "select $1::text"), ["a\u0000b"], "22021"],
      ];
      for (const [bad, parameters, code] of [...broken, ...broken]) {
        await expect(database.query(bad, parameters)).rejects.toMatchObject({ code });
        expect(await database.query(echo, ["fine"])).toEqual([{ value: "fine" }]);
      }
    });

    it("keeps answers with their questions when many ask at once and some fail", async () => {
      const asked = Array.from({ length: 200 }, (_, i) =>
        i % 7 === 0
          ? database.query(fail, [0]).then(
              () => "no error",
              (error) => error.code,
            )
          : database.query(echo, [`${i}`]).then(([row]) => row?.value),
      );
      const expected = asked.map((_, i) => (i % 7 === 0 ? "22012" : `${i}`));
      expect(await Promise.all(asked)).toEqual(expected);
    });

    it("refuses a statement without a name, and a name that PostgreSQL would cut off", async () => {
      await expect(database.query({ name: "x".repeat(64), text: "select 1" })).rejects.toThrow(
        "1 to 63 characters",
      );
      await expect(database.query({ name: "", text: "select 1" })).rejects.toThrow("1 to 63 characters");
    });

    it("runs scripts of several statements as one", async () => {
      await database.execute("insert into contract values (1, 'a'); insert into contract values (2, 'b')");
      const half = "insert into contract values (3, 'c'); insert into contract values (1, 'again')";
      await expect(database.execute(half)).rejects.toMatchObject({ code: "23505" });
      expect(await allLabels()).toEqual(["a", "b"]);
    });

    describe("in a transaction", () => {
      it("keeps everything or nothing", async () => {
        const result = await database.transaction(async (tx) => {
          await tx.query(insert, [1, "kept"]);
          return (await tx.query(labels)).length;
        });
        expect(result).toBe(1);
        const reason = new Error("no");
        const undone = database.transaction(async (tx) => {
          await tx.query(insert, [2, "undone"]);
          throw reason;
        });
        await expect(undone).rejects.toBe(reason);
        expect(await allLabels()).toEqual(["kept"]);
      });

      it("fails when a statement failed, even if the work went on as if nothing had happened", async () => {
        const swallowed = database.transaction(async (tx) => {
          await tx.query(insert, [1, "lost"]);
          await tx.query(fail, [0]).catch(() => {});
        });
        await expect(swallowed).rejects.toMatchObject({ code: "22012" });
        expect(await allLabels()).toEqual([]);
      });

      it("lets nobody else in between, and single queries get their turn", async () => {
        const order: string[] = [];
        const work = [1, 2, 3].map((n) =>
          database.transaction(async (tx) => {
            for (const part of ["a", "b"])
              await tx.query(insert, [n * 10 + part.charCodeAt(0), `${n}${part}`]);
            order.push(`transaction ${n}`);
          }),
        );
        const single = database.query(echo, ["x"]).then(() => order.push("single"));
        await Promise.all([...work, single]);
        expect(order.sort()).toEqual(["single", "transaction 1", "transaction 2", "transaction 3"]);
        expect((await allLabels()).length).toBe(6);
      });

      it("runs again after a serialization failure or a deadlock, five times in all", async () => {
        for (const state of ["40001", "40P01"]) {
          let runs = 0;
          const conflict = {
            name: `contract_raise_${state}`,
            text: `select contract_raise_${state.toLowerCase()}()`,
          };
          await database.execute(`create or replace function ${conflict.text.slice(7)} returns void language plpgsql
            as $$ begin raise exception 'conflict' using errcode = '${state}'; end $$`);
          const conflicting = (lastRun: number) =>
            database.transaction(async (tx) => {
              runs += 1;
              await tx.query(insert, [runs, state]);
              if (runs < lastRun) await tx.query(conflict);
              return runs;
            });
          expect(await conflicting(5)).toBe(5);
          await database.execute("truncate contract");
          runs = 0;
          await expect(conflicting(6)).rejects.toMatchObject({ code: state });
          expect(runs).toBe(5);
          await database.execute(`truncate contract; drop function ${conflict.text.slice(7)}`);
        }
      });

      it("refuses the database inside its own transaction instead of waiting for itself", async () => {
        const inside: (() => Promise<unknown>)[] = [
          () => database.query(echo, ["x"]),
          () => database.execute("select 1"),
          () => database.transaction(async () => {}),
        ];
        for (const nested of inside)
          await expect(database.transaction(nested)).rejects.toThrow("inside one of its own transactions");
        await database.transaction(async (tx) => {
          await tx.query(insert, [1, "after"]);
        });
        expect(await allLabels()).toEqual(["after"]);
      });

      it("refuses a statement that comes after its end", async () => {
        const tx = await database.transaction(async (scope) => scope);
        await expect(tx.query(insert, [1, "late"])).rejects.toThrow("after the end of its transaction");
        expect(await allLabels()).toEqual([]);
      });

      it("lets the database be used afterwards from what was begun inside", async () => {
        let later: Promise<unknown> = Promise.resolve();
        await database.transaction(async () => {
          later = new Promise((resolve) => setTimeout(resolve, 20)).then(() =>
            database.query(echo, ["later"]),
          );
        });
        expect(await later).toEqual([{ value: "later" }]);
      });
    });

    it("shows one moment to whoever reads a snapshot", async () => {
      await database.query(insert, [1, "before"]);
      let begun = () => {};
      const isBegun = new Promise<void>((resolve) => {
        begun = resolve;
      });
      let goOn = () => {};
      const mayGoOn = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      const reading = database.snapshot(async (reader) => {
        const first = await reader.query(labels);
        begun();
        await mayGoOn;
        return [first, await reader.query(labels)];
      });
      await isBegun;
      const writing = database.query(insert, [2, "meanwhile"]);
      goOn();
      expect(await reading).toEqual([[{ label: "before" }], [{ label: "before" }]]);
      await writing;
      expect(await allLabels()).toEqual(["before", "meanwhile"]);
      await expect(database.snapshot((reader) => reader.query(fail, [0]))).rejects.toMatchObject({
        code: "22012",
      });
      expect(await allLabels()).toEqual(["before", "meanwhile"]);
    });

    it("maintains itself while it is used", async () => {
      await database.execute("insert into contract select n, 'x' from generate_series(1, 5000) as n");
      await database.execute("update contract set label = 'y'");
      const [, rows] = await Promise.all([database.maintain(), database.query(echo, ["meanwhile"])]);
      expect(rows).toEqual([{ value: "meanwhile" }]);
      expect((await allLabels()).length).toBe(5_000);
    });
  });
}
