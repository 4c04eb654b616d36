import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { expect, it } from "vitest";
import { readDatabaseUrl } from "./read-database-url.ts";

/** What the driver makes of it. */
function driverReads(url: string) {
  const client = new pg.Client(readDatabaseUrl(url).config);
  const { user, password, host, port, database } = client;
  return { user, password, host, port, database };
}

it("reads user, password, host, port and database, also with signs in them", () => {
  expect(driverReads(`postgres://ann:${"p%40ss%2Fw%3F"}@db.internal:6432/muster?sslmode=disable`)).toEqual({
    user: "ann",
    password: "p@ss/w?",
    host: "db.internal",
    port: 6432,
    database: "muster",
  });
  expect(driverReads("postgresql://ann@[::1]/muster")).toMatchObject({ host: "::1", port: 5432 });
});

it("reads a folder with the server's socket", () => {
  expect(driverReads("postgres:///muster?host=/var/run/postgresql&user=ann")).toMatchObject({
    user: "ann",
    host: "/var/run/postgresql",
    database: "muster",
  });
});

it("passes options and the name on", () => {
  const { config } = readDatabaseUrl(
    "postgres://h/d?application_name=blue&options=-c%20search_path%3Dmuster&connect_timeout=3",
  );
  expect(config).toMatchObject({ application_name: "blue", connectionTimeoutMillis: 3_000 });
  expect(new URL(config.connectionString as string).searchParams.get("options")).toBe(
    "-c search_path=muster",
  );
});

it("checks the server's certificate wherever the URL asks for TLS", () => {
  const tls = (query: string) => readDatabaseUrl(`postgres://h/d${query}`).config.ssl;
  expect(tls("")).toBe(false);
  for (const plain of ["disable", "allow", "prefer"]) expect(tls(`?sslmode=${plain}`)).toBe(false);
  expect(tls("?sslmode=require")).toEqual({ rejectUnauthorized: true });
  expect(tls("?sslmode=verify-full")).toEqual({ rejectUnauthorized: true });
  expect(tls("?ssl=true")).toEqual({ rejectUnauthorized: true });
  expect(tls("?sslmode=verify-ca")).toMatchObject({ rejectUnauthorized: true });
  expect(tls("?sslmode=no-verify")).toEqual({ rejectUnauthorized: false });
});

it("reads the certificates of the authority and of the client", async () => {
  const folder = await mkdtemp(join(tmpdir(), "muster-tls-"));
  const path = (name: string) => join(folder, name);
  for (const name of ["ca", "cert", "key"]) await writeFile(path(name), `the ${name}`);
  const query = `sslmode=verify-full&sslrootcert=${path("ca")}&sslcert=${path("cert")}&sslkey=${path("key")}`;
  expect(readDatabaseUrl(`postgres://h/d?${query}`).config.ssl).toEqual({
    ca: "the ca",
    cert: "the cert",
    key: "the key",
    rejectUnauthorized: true,
  });
  await rm(folder, { recursive: true });
  expect(() => readDatabaseUrl(`postgres://h/d?${query}`)).toThrow(/sslrootcert.*can't be read/);
});

it.each([
  ["mysql://h/d", "does not begin with postgres://"],
  ["postgres://h/d?ssl_mode=require", 'a parameter "ssl_mode"'],
  ["postgres://h/d?sslmode=verify", "sslmode=verify is none of"],
  ["postgres://u@h1:1,h2:2/d", "several hosts"],
  ["postgres:///d?host=h1,h2", "several hosts"],
  ["postgres://h/d?connect_timeout=soon", "no number of seconds"],
])("refuses %s", (url, reason) => {
  expect(() => readDatabaseUrl(url)).toThrow(reason);
});

it("shows where it leads without user and password", () => {
  expect(readDatabaseUrl(`postgres://ann:${"hidden"}@db:5432/muster?sslmode=require`).shown).toBe(
    "db:5432/muster",
  );
  expect(readDatabaseUrl(`postgres://ann:${"a@b"}@db/muster`).shown).toBe("db/muster");
  expect(readDatabaseUrl("postgres:///muster?host=/run/pg").shown).toBe("/run/pg/muster");
});
