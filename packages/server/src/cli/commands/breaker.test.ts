import type { Client } from "@muster/sdk";
import { MusterError } from "@muster/sdk/protocol";
import { describe, expect, test } from "vitest";
import { fakeBreaker } from "../../test/fake-breakers.ts";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { createFakeClient } from "../../test/fake-client.ts";
import { runCli } from "../run-cli.ts";

async function muster(argv: string[], parts: Parameters<typeof createFakeClient>[0]) {
  const env = { MUSTER_URL: "http://127.0.0.1:6878", MUSTER_API_KEY: "k" };
  const context = createFakeCliContext({ env, createClient: async () => createFakeClient(parts) });
  const exitCode = await runCli(argv, context);
  return { exitCode, out: context.stdout.text(), err: context.stderr.text() };
}

const unknown = async () => {
  throw new MusterError("not_found", "There is no such agent.");
};

describe("breaker list", () => {
  test("says which agents get no work, why, and until when", async () => {
    const context = createFakeCliContext({});
    const retryAt = new Date(context.now() + 30_000).toISOString();
    const list = async () => [
      fakeBreaker({ state: "open", failures: 5, cause: "failures", retryAt }),
      fakeBreaker({
        agentId: "w-1",
        agent: "writer",
        state: "open",
        cause: "operator",
        by: "ann",
        reason: "bad day",
      }),
      fakeBreaker({ agentId: "x-1", agent: "x", state: "half_open", cause: "probe", probing: true }),
      fakeBreaker({ agentId: "y-1", agent: "y" }),
    ];
    const { out, exitCode } = await muster(["breaker", "list"], { breakers: { list } });
    expect(exitCode).toBe(0);
    expect(out).toMatch(/reviewer +r-1 +open +5 +.*probed in 30\.0s +it failed several times in a row/);
    expect(out).toMatch(/writer .*stays open until it is closed +opened by hand, by ann, bad day/);
    expect(out).toMatch(/x-1 +half_open .*a probe is under way/);
  });

  test("with --json prints what the server says", async () => {
    const asked: unknown[] = [];
    const list: Client["breakers"]["list"] = async (filter) => {
      asked.push(filter);
      return [fakeBreaker()];
    };
    const { out } = await muster(["breaker", "list", "--state", "open", "--json"], { breakers: { list } });
    expect(JSON.parse(out)).toEqual([fakeBreaker()]);
    expect(asked).toEqual([{ state: "open" }]);
  });
});

describe("breaker open and close", () => {
  test("send reason and duration, for an agent by its name", async () => {
    const sent: unknown[] = [];
    const breakers: Partial<Client["breakers"]> = {
      get: async (id) => (id === "r-1" ? fakeBreaker() : unknown()),
      open: async (...request) => {
        sent.push(request);
        return fakeBreaker({ state: "open", cause: "operator", by: "ann", reason: "rate limit" });
      },
      close: async (...request) => {
        sent.push(request);
        return fakeBreaker();
      },
    };
    const agents = { list: async () => [{ id: "r-1" }] } as unknown as Client["agents"];
    const argv = ["breaker", "open", "reviewer", "--reason", "rate limit", "--for", "10m"];
    const { out } = await muster(argv, { breakers, agents });
    expect(out).toContain("opened by hand, by ann, rate limit");
    await muster(["breaker", "close", "r-1"], { breakers });
    expect(sent).toEqual([
      ["r-1", { reason: "rate limit", forMs: 600_000 }],
      ["r-1", {}],
    ]);
  });

  test("want a reason, and an agent that there is", async () => {
    expect(await muster(["breaker", "open", "r-1"], {})).toMatchObject({ exitCode: 2, out: "" });
    const blank = await muster(["breaker", "open", "r-1", "--reason", " "], {});
    expect(blank.exitCode).toBe(2);
    expect(blank.err).toContain("--reason wants a text that says why");
    const nobody = { breakers: { get: unknown }, agents: { list: async () => [] } };
    const { err, exitCode } = await muster(["breaker", "close", "nobody"], nobody);
    expect(exitCode).not.toBe(0);
    expect(err).toContain("no agent has the id or name nobody");
  });
});
