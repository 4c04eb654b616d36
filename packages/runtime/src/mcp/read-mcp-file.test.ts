import { expect, it } from "vitest";
import { expandEntry } from "./expand-entry.ts";
import { readMcpFile } from "./read-mcp-file.ts";

const fileOf = (mcpServers: unknown): string => JSON.stringify({ mcpServers });

it("reads servers that are processes, and those at an address", () => {
  const { servers, problems } = readMcpFile(
    fileOf({
      files: { command: "npx", args: ["server", "."], env: { A: "1" }, timeout: 5_000 },
      docs: {
        type: "streamable-http",
        url: "https://example.com/mcp",
        headers: { authorization: "Bearer ${KEY}" },
      },
    }),
  );
  expect(problems).toEqual([]);
  expect(servers).toEqual([
    {
      name: "files",
      entry: { type: "stdio", command: "npx", args: ["server", "."], env: { A: "1" }, timeoutMs: 5_000 },
    },
    {
      name: "docs",
      entry: { type: "http", url: "https://example.com/mcp", headers: { authorization: "Bearer ${KEY}" } },
    },
  ]);
});

it.each([
  [{ url: "https://example.com" }, "no type"],
  [{ type: "sse", url: "https://example.com" }, "not supported"],
  [{ type: "http" }, "no url"],
  [{ command: 1 }, "no command"],
  [{ command: "x", args: "y" }, "args"],
  [{ command: "x", args: ["a\0b"] }, "args"],
  [{ command: "x", env: { A: 1 } }, "env"],
  [{ command: "x", timeout: -1 }, "timeout"],
  [{ type: "http", url: "x", headers: [] }, "headers"],
  [null, "no object"],
])("leaves %j out and says why", (entry, reason) => {
  const { servers, problems } = readMcpFile(fileOf({ bad: entry, good: { command: "x" } }));
  expect(servers.map(({ name }) => name)).toEqual(["good"]);
  expect(problems).toEqual([{ server: "bad", problem: expect.stringContaining(reason) }]);
});

it.each(["", "{", "[]", "{}", '{"mcpServers": []}', `"${"x".repeat(1_000_001)}"`])(
  "reads nothing of what is no such file",
  (text) => {
    expect(readMcpFile(text)).toEqual({
      servers: [],
      problems: [{ server: null, problem: expect.any(String) }],
    });
  },
);

it("puts values in the place of variables, and names those that are not set", () => {
  const entry = {
    type: "stdio" as const,
    command: "${BIN:-node}",
    args: ["${A}-${B}", "$A", "${A"],
    env: { X: "${C:-}" },
  };
  expect(expandEntry(entry, { A: "1", BIN: "" })).toEqual({
    entry: { type: "stdio", command: "node", args: ["1-${B}", "$A", "${A"], env: { X: "" } },
    unset: ["B"],
  });
  const http = { type: "http" as const, url: "https://${HOST}/", headers: { a: "Bearer ${A}" } };
  expect(expandEntry(http, { A: "${HOST}", HOST: "h" }).entry).toEqual({
    type: "http",
    url: "https://h/",
    headers: { a: "Bearer ${HOST}" },
  });
});
