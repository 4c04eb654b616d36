import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database, Statement } from "../../../ports/database.ts";
import { describeDatabaseContract } from "../../../test/contracts/database.ts";
import { type Scratch, scratchDatabase } from "../../../test/services.ts";
import { type Line, startLine } from "../../../test/start-line.ts";
import { createPostgresDatabase } from "./create-postgres-database.ts";

const statement = <Row>(name: string, text: string): Statement<Row> => ({ name, text });
const setting = statement<{ value: string }>("setting", "select current_setting($1) as value");
const sleep = statement("sleep", "select pg_sleep($1::float8)");
const asleep = statement(
  "asleep",
  "select 1 from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()",
);
const note = statement("note", "insert into note (n) values ($1::int)");
const notes = statement<{ n: number }>("notes", "select n from note order by n");

let scratch: Scratch;
beforeAll(async () => {
  scratch = await scratchDatabase();
});
afterAll(() => scratch.drop());

const at = (change: (url: URL) => void, base = scratch.url): string => {
  const url = new URL(base);
  change(url);
  return url.href;
};

describe("a PostgreSQL server", () => {
  describeDatabaseContract("PostgreSQL", () =>
    createPostgresDatabase({ url: scratch.url, checkNesting: true }),
  );

  it("gets our settings on every connection, but not over those of the URL", async () => {
    const url = at((u) => u.searchParams.set("options", "-c lock_timeout=3s -c search_path=pg_catalog"));
    const database = await createPostgresDatabase({ url });
    const values = [
      "lock_timeout",
      "search_path",
      "statement_timeout",
      "enable_seqscan",
      "jit",
      "application_name",
    ];
    const read = await Promise.all(
      values.map(async (name) => (await database.query(setting, [name]))[0]?.value),
    );
    expect(read).toEqual(["3s", "pg_catalog", "15s", "off", "off", "muster"]);
    await database.close();
  });

  it("is refused with the reason where it has no such database or role", async () => {
    const missing = createPostgresDatabase({ url: at((u) => (u.pathname = "/muster_no_such_database")) });
    await expect(missing).rejects.toMatchObject({ code: "unavailable", message: /no such database/ });
    const stranger = createPostgresDatabase({ url: at((u) => (u.username = "muster_no_such_role")) });
    await expect(stranger).rejects.toMatchObject({ code: "unavailable", message: /refused the login/ });
  });

  it("ends a statement that takes too long, and says that nothing was changed", async () => {
    const url = at((u) => u.searchParams.set("options", "-c statement_timeout=200ms"));
    const database = await createPostgresDatabase({ url });
    await expect(database.query(sleep, [5])).rejects.toMatchObject({
      code: "unavailable",
      message: /too long/,
    });
    expect(await database.query(setting, ["jit"])).toEqual([{ value: "off" }]);
    await database.close();
  });
});

describe("a PostgreSQL server over TLS", () => {
  let folder: string;
  let line: Line;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "muster-tls-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const subject = ["-subj", "/CN=muster-test", "-addext", "subjectAltName=DNS:localhost"];
    await promisify(execFile)("openssl", [
      ...[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
      ],
      ...["-keyout", key, "-out", cert, ...subject],
    ]);
    line = await startLine(scratch.url, {
      key: await readFile(key, "utf8"),
      cert: await readFile(cert, "utf8"),
    });
  });
  afterAll(async () => {
    await line.close();
    await rm(folder, { recursive: true });
  });

  const open = (host: string, query: Record<string, string>) =>
    createPostgresDatabase({
      url: at((u) => {
        u.hostname = host;
        for (const [name, value] of Object.entries(query)) u.searchParams.set(name, value);
      }, line.url),
    });
  const ca = () => ({ sslrootcert: join(folder, "cert.pem") });

  it("is used where its certificate is right, or need not be", async () => {
    for (const database of [
      await open("localhost", { sslmode: "verify-full", ...ca() }),
      await open("127.0.0.1", { sslmode: "verify-ca", ...ca() }),
      await open("127.0.0.1", { sslmode: "no-verify" }),
    ]) {
      expect(await database.query(setting, ["jit"])).toEqual([{ value: "off" }]);
      await database.close();
    }
  });

  it("is refused where it is signed by somebody unknown or made for another name", async () => {
    const refusal = { code: "unavailable", message: /not trusted/, hint: /sslrootcert/ };
    await expect(open("localhost", { sslmode: "require" })).rejects.toMatchObject(refusal);
    await expect(open("127.0.0.1", { sslmode: "verify-full", ...ca() })).rejects.toMatchObject(refusal);
  });
});

describe("a PostgreSQL server that breaks", () => {
  let line: Line;
  let database: Database;
  let noticed = 0;
  beforeAll(async () => {
    line = await startLine(scratch.url);
    const debug = (_: object, sentence: string) => {
      if (sentence.startsWith("An idle connection")) noticed += 1;
    };
    const log = { debug, info() {}, warn() {}, error() {} };
    database = await createPostgresDatabase({ url: line.url, connections: 1, log });
    await database.execute("create table note (n int)");
  });
  afterAll(async () => {
    await database.close();
    await line.close();
  });
  const noted = async () => (await database.query(notes)).map(({ n }) => n);

  it("is waited for while it is away, by statements and by transactions", async () => {
    await line.refuse();
    await expect.poll(() => noticed).toBe(1);
    const away = [
      ...[1, 2, 3, 4].map((n) => database.query(note, [n])),
      ...[5, 6].map((n) => database.transaction((tx) => tx.query(note, [n]))),
    ];
    await line.resume();
    await Promise.all(away);
    expect(await noted()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("costs a statement that was under way its answer, and nobody else's", async () => {
    const under = database.query(sleep, [30]);
    const beside = await createPostgresDatabase({ url: scratch.url, connections: 1 });
    await expect.poll(() => beside.query(asleep)).toHaveLength(1);
    await beside.close();
    line.cut();
    await expect(under).rejects.toMatchObject({ code: "unavailable", hint: /may or may not/ });
    expect(await noted()).toHaveLength(6);
  });

  it("makes a transaction run again whose commit was not sent", async () => {
    let runs = 0;
    await database.transaction(async (tx) => {
      runs += 1;
      await tx.query(note, [10 + runs]);
      if (runs === 1) line.cut();
      await tx.query(note, [20 + runs]);
    });
    expect(await noted()).toEqual([1, 2, 3, 4, 5, 6, 12, 22]);
  });

  it("ends idle connections without anybody noticing", async () => {
    const holders =
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    const beside = await createPostgresDatabase({ url: scratch.url, connections: 1 });
    await beside.execute(holders);
    await beside.close();
    expect(await noted()).toHaveLength(8);
  });
});
