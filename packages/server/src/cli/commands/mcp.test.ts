import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import type { CliContext } from "../cli-context.ts";
import { runCli } from "../run-cli.ts";

let place: string;
let folder: string;
beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "muster-mcp-")));
  folder = join(place, "shop");
  mkdirSync(join(folder, ".claude/agents"), { recursive: true });
});
afterEach(() => rmSync(place, { recursive: true }));

const home = () => ({ HOME: join(place, "home") });
const write = (path: string, text: string): void => writeFileSync(join(folder, path), text);
const servers = (more: object = {}): void =>
  write(
    ".mcp.json",
    JSON.stringify({
      mcpServers: {
        shop: { command: "node", args: ["shop.js"], env: { SHOP_TOKEN: "a-secret-of-the-shop" }, ...more },
        far: {
          type: "http",
          url: "https://far.example/mcp?key=very-secret-key",
          headers: { "x-key": "hidden-value" },
        },
      },
    }),
  );

async function mcp(argv: string[], more: Partial<CliContext> = {}) {
  const context = createFakeCliContext({ cwd: folder, env: home(), ...more });
  const exitCode = await runCli(["mcp", ...argv], context);
  return { exitCode, out: context.stdout.text(), err: context.stderr.text() };
}
const approvedNames = async (): Promise<string[]> => {
  const { out } = await mcp(["list", "--json"]);
  const found = JSON.parse(out) as { servers: { name: string; isApproved: boolean }[] };
  return found.servers.filter(({ isApproved }) => isApproved).map(({ name }) => name);
};

describe("mcp", () => {
  test("lists what files name, with commands and names, and without values", async () => {
    servers();
    write("muster.yaml", "mcpServers:\n  desk: { command: desk }\n  odd: { url: x }\n");
    write(
      ".claude/agents/clerk.md",
      "---\nname: clerk\ndescription: Sells.\nmcpServers: [{ till: { command: till } }]\n---\nYou sell.\n",
    );
    const { exitCode, out, err } = await mcp(["list"]);
    expect(exitCode).toBe(0);
    expect(out).toContain("runs node shop.js");
    expect(out).toContain("variables: SHOP_TOKEN");
    expect(out).toContain("connects to https://far.example/mcp?key=…");
    expect(out).toContain("for the agent clerk alone");
    expect(out).toContain("approve it with: muster mcp approve desk");
    expect(err).toContain("server odd");
    const json = (await mcp(["list", "--json"])).out;
    for (const secret of ["a-secret-of-the-shop", "very-secret-key", "hidden-value"])
      expect(out + json).not.toContain(secret);
    expect(JSON.parse(json).servers.map((one: { name: string }) => one.name)).toEqual([
      "desk",
      "shop",
      "far",
      "till",
    ]);
  });

  test("approves an entry as it stands, until it changes or that is taken back", async () => {
    servers();
    expect(await approvedNames()).toEqual([]);
    const { exitCode, out } = await mcp(["approve", "shop"]);
    expect([exitCode, out]).toEqual([
      0,
      expect.stringMatching(/^approved shop of .*\.mcp\.json: node shop\.js/),
    ]);
    expect(await approvedNames()).toEqual(["shop"]);
    for (const more of [{ args: ["shop.js", "--all"] }, { env: { SHOP_TOKEN: "another" } }, { timeout: 1 }]) {
      servers(more);
      expect(await approvedNames()).toEqual([]);
    }
    servers();
    expect(await approvedNames()).toEqual(["shop"]);
    expect((await mcp(["revoke", "shop"])).out).toContain("is approved no more");
    expect(await approvedNames()).toEqual([]);
    expect((await mcp(["revoke", "shop"])).err).toContain("nobody had approved it");
    await mcp(["approve", "--all"]);
    expect(await approvedNames()).toEqual(["shop", "far"]);
  });

  test("wants to know which server is meant", async () => {
    servers();
    write("muster.yaml", "mcpServers:\n  shop: { command: desk }\n");
    for (const [argv, error] of [
      [["approve"], "which server?"],
      [["approve", "shop", "--all"], "which server?"],
      [["approve", "shpo"], "no file here names an MCP server shpo"],
      [["approve", "shop"], "2 files name a server shop"],
      [["list", "--config", "nowhere.yaml"], "there is no file nowhere.yaml"],
    ] as const) {
      const { exitCode, err } = await mcp([...argv]);
      expect([exitCode, err]).toEqual([2, expect.stringContaining(error)]);
    }
    expect(await approvedNames()).toEqual([]);
    expect((await mcp(["approve", "shop", "--file", "muster.yaml"])).out).toContain("desk");
    expect(await approvedNames()).toEqual(["shop"]);
  });

  test("keeps no approval where the folder could approve itself", async () => {
    servers();
    const env = { HOME: folder };
    expect((await mcp(["list"], { env })).err).toContain("lies in the repository");
    expect(await mcp(["approve", "shop"], { env })).toMatchObject({
      exitCode: expect.not.stringMatching("0"),
      err: expect.stringContaining("lies in the repository"),
    });
  });
});

describe("up", () => {
  async function up(typed: string | undefined) {
    write(".claude/agents/clerk.md", "---\nname: clerk\ndescription: Sells.\n---\nYou sell.\n");
    const startMuster = (async () => ({
      url: "http://127.0.0.1:6878",
      adminKey: null,
      stop: async () => undefined,
    })) as unknown as CliContext["startMuster"];
    const startCrew = async () => ({ unfollow: async () => undefined, close: async () => undefined });
    const context = createFakeCliContext({
      cwd: folder,
      env: home(),
      startMuster,
      crew: async () => ({ startCrew }),
      isInteractive: typed !== undefined,
      stdin: async function* () {
        yield Buffer.from(typed ?? "");
      },
    });
    const running = runCli(["up"], context);
    await expect.poll(() => context.stdout.text(), { timeout: 10_000 }).toContain("is up at");
    context.signal("SIGTERM");
    await running;
    return context.stderr.text();
  }

  test("asks about servers at a terminal, and approves none where nobody sits", async () => {
    servers();
    expect(await up(undefined)).not.toContain("Approve");
    for (const typed of ["\n", "n\n", ""]) {
      expect(await up(typed)).toContain("Approve these 2 servers? [y/N]");
      expect(await approvedNames()).toEqual([]);
    }
    expect(await up("y\n")).toContain("MCP server shop of");
    expect(await approvedNames()).toEqual(["shop", "far"]);
    expect(await up("y\n")).not.toContain("Approve");
    expect(readFileSync(join(place, "home/.muster/mcp/approvals.json"), "utf8")).not.toContain("secret");
  });
});
