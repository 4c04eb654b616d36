import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../tools/test/bench.ts";
import { createApprovals } from "./create-approvals.ts";
import type { NamedMcpEntry } from "./read-mcp-file.ts";

const server = (command: string, env: Record<string, string> = {}): NamedMcpEntry => ({
  name: "files",
  entry: { type: "stdio", command, args: [], env },
});

it("remembers an entry as it stood, for the file in which it stood", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "home/approvals.json");
  const approvals = createApprovals(file, join(folder, "repository"));
  expect(await approvals.isApproved("/r/.mcp.json", server("a"))).toBe(false);
  await approvals.approve("/r/.mcp.json", server("a", { X: "1", Y: "2" }));
  const again = createApprovals(file, join(folder, "repository"));
  expect(await again.isApproved("/r/.mcp.json", server("a", { Y: "2", X: "1" }))).toBe(true);
  expect(await again.isApproved("/r/.mcp.json", server("a", { X: "1" }))).toBe(false);
  expect(await again.isApproved("/r/.mcp.json", server("b", { X: "1", Y: "2" }))).toBe(false);
  expect(await again.isApproved("/other/.mcp.json", server("a", { X: "1", Y: "2" }))).toBe(false);
  expect(await again.isApproved("/r/.mcp.json", { ...server("a", { X: "1", Y: "2" }), name: "other" })).toBe(
    false,
  );
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it("asks again after a change, also when it is changed back, and forgets what is taken back", async () => {
  const folder = temporaryFolder();
  const approvals = createApprovals(join(folder, "approvals.json"), join(folder, "repository"));
  await approvals.approve("/r/.mcp.json", server("a"));
  await approvals.approve("/r/.mcp.json", server("b"));
  expect(await approvals.isApproved("/r/.mcp.json", server("a"))).toBe(false);
  expect(await approvals.revoke("/r/.mcp.json", "files")).toBe(true);
  expect(await approvals.revoke("/r/.mcp.json", "files")).toBe(false);
  expect(await approvals.isApproved("/r/.mcp.json", server("b"))).toBe(false);
});

it("does not let a repository approve itself, and takes a damaged file for no approval", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "repository"));
  expect(() =>
    createApprovals(join(folder, "repository/.muster/approvals.json"), join(folder, "repository")),
  ).toThrow("lies in the repository");
  const file = join(folder, "approvals.json");
  writeFileSync(file, "{");
  const approvals = createApprovals(file, join(folder, "repository"));
  await expect(approvals.isApproved("/r/.mcp.json", server("a"))).rejects.toThrow("damaged");
  expect(readFileSync(file, "utf8")).toBe("{");
});
