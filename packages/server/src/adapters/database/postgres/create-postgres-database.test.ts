import { createServer } from "node:net";
import type { ClientBase } from "pg";
import { expect, it } from "vitest";
import { createPostgresDatabase } from "./create-postgres-database.ts";
import { prepareConnection } from "./prepare-connection.ts";

it("PostgreSQL that can't be reached is waited for, then refused with what to check", async () => {
  const sentences: string[] = [];
  const note = (_: object, sentence: string) => void sentences.push(sentence);
  const refused = createPostgresDatabase({
    url: "postgres://nobody@127.0.0.1:1/none",
    waitMs: 300,
    log: { debug: note, info: note, warn: note, error: note },
  });
  await expect(refused).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("127.0.0.1:1/none"),
    hint: expect.stringContaining("address"),
  });
  expect(sentences).toContain("PostgreSQL is away; looking for it again.");
});

it("a server without TLS is refused where the URL asks for it", async () => {
  const server = createServer((socket) => socket.once("data", () => socket.write("N")));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const refused = createPostgresDatabase({ url: `postgres://u@127.0.0.1:${port}/d?sslmode=require` });
  await expect(refused).rejects.toMatchObject({ code: "unavailable", message: /offers no TLS/ });
  server.close();
});

it.each([
  [{ version: 14, shown: "14.9" }, "conflict", "needs 15 or later"],
  [{ encoding: "SQL_ASCII" }, "conflict", "needs UTF8"],
  [{ standby: true }, "unavailable", "standby"],
])("a server with %o is refused", async (facts, code, reason) => {
  const server = { version: 15, shown: "15.1", encoding: "UTF8", standby: false, ...facts };
  const client = { query: async () => ({ rows: [server] }) } as unknown as ClientBase;
  await expect(prepareConnection(client)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(reason),
  });
});
