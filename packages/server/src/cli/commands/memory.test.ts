import { createMemoryClient } from "@muster/sdk";
import { describe, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { createFakeClient } from "../../test/fake-client.ts";
import { createFakeMemories } from "../../test/fake-memories.ts";
import { runCli } from "../run-cli.ts";

function start() {
  const memories = createFakeMemories().of({ tenant: "default", role: "admin", name: "ann" });
  const env = { MUSTER_URL: "http://127.0.0.1:6878", MUSTER_API_KEY: "k" };
  return async (...argv: string[]) => {
    const client = createFakeClient({ memory: createMemoryClient(memories) });
    const context = createFakeCliContext({ env, createClient: async () => client });
    const exitCode = await runCli(["memory", ...argv], context);
    return { exitCode, out: context.stdout.text(), err: context.stderr.text() };
  };
}

describe("muster memory", () => {
  test("remembers, lists, finds, exports and forgets", async () => {
    const muster = start();
    const facts = '{"kind": "habit"}';
    const added = await muster("add", "we", "deploy on Tuesdays", "--project", "shop", "--metadata", facts);
    expect(added).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^remembered: [0-9a-f-]{36}\n$/) });
    expect((await muster("add", "we deploy on Tuesdays", "--project", "shop")).out).toContain("knew that");
    await muster("add", "only\u001b[31m coder knows", "--agent", "coder");
    expect((await muster("list")).out).toMatch(/agent coder +only.*knows.*\n.*project shop +we deploy on/);
    const found = await muster("search", "when do we", "deploy?", "--project", "shop");
    expect(found.out).toMatch(/^we deploy on Tuesdays\n {4}[0-9a-f-]{36}, project shop\n$/);
    expect(found.err).toContain("note: This fake");
    expect((await muster("search", "unheard of")).err).toContain("nothing is known of it");
    const lines = (await muster("export")).out.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).text)).toContain("we deploy on Tuesdays");
    const id = JSON.parse((await muster("list", "--json", "--scope", "agent")).out).items[0].id;
    expect(await muster("forget", id)).toMatchObject({ exitCode: 0, out: "forgot 1 memory\n" });
    expect(await muster("forget", id)).toMatchObject({ exitCode: 1, out: "forgot 0 memories\n" });
    expect((await muster("forget", "--all", "--project", "shop", "--json")).out).toContain('"forgotten": 1');
    expect((await muster("list")).err).toContain("no memory fits");
  });

  test.each([
    [["add", "x", "--metadata", "[1]"], "no JSON object"],
    [["add", "x", "--metadata", "{"], "is not JSON"],
    [["add", "x", "--ttl", "soon"], "duration"],
    [["list", "--scope", "mine"], "agent, project, global"],
    [["search", "x", "--limit", "0"], "from 1 to 50"],
    [["forget"], "name one memory"],
    [["forget", "an-id", "--all"], "name one memory"],
    [["forget", "--all"], "exactly one"],
    [["forget", "--all", "--global", "--agent", "a"], "exactly one"],
  ])("%j is used wrongly", async (argv, reason) => {
    expect(await start()(...argv)).toMatchObject({ exitCode: 2, err: expect.stringContaining(reason) });
  });
});
