import type { Client } from "@muster/sdk";
import { describe, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { createFakeClient } from "../../test/fake-client.ts";
import { runCli } from "../run-cli.ts";

const env = { MUSTER_URL: "http://127.0.0.1:6878", MUSTER_API_KEY: "k" };

async function muster(line: string, parts: Parameters<typeof createFakeClient>[0]) {
  const client: Client = createFakeClient(parts);
  const context = createFakeCliContext({ env, createClient: async () => client });
  const exitCode = await runCli(line.split(" "), context);
  return { exitCode, out: context.stdout.text(), err: context.stderr.text() };
}

/** Dead letters on two pages. */
function letters() {
  const asked: unknown[] = [];
  const retry: Client["deadLetters"]["retry"] = async (selection) => {
    asked.push(selection);
    const first = selection.before === undefined;
    const skipped = first ? [] : [{ taskId: "c", reason: "its run completed without it" }];
    return { done: [first ? "a" : "b"], runs: [], skipped, next: first ? "page" : null };
  };
  const list: Client["deadLetters"]["list"] = async () => ({ items: [], next: null });
  return { asked, deadLetters: { retry, list } };
}

describe("dead retry", () => {
  test("goes from page to page and names what it left", async () => {
    const { asked, deadLetters } = letters();
    const { exitCode, out, err } = await muster("dead retry --code x --older-than 1h --yes", { deadLetters });
    const selection = { code: "x", olderThanMs: 3_600_000 };
    expect(asked).toEqual([selection, { ...selection, before: "page" }]);
    expect(out).toBe("retried 2 dead letters\n");
    expect(err).toContain("left task c: its run completed without it");
    expect(exitCode).toBe(1);
  });

  test.each([
    ["dead retry", "which dead letters"],
    ["dead retry --all", "this would retry 0 dead letters"],
    ["dead retry a --all", "not both"],
    ["dead retry --older-than soon", "wants a duration"],
  ])("%s does nothing", async (line, sentence) => {
    const { asked, deadLetters } = letters();
    const { exitCode, err } = await muster(line, { deadLetters });
    expect(err).toContain(sentence);
    expect(exitCode).toBe(2);
    expect(asked).toEqual([]);
  });
});

test("retry-policy set sends what was said and nothing more", async () => {
  let sent: unknown;
  const set: Client["retryPolicies"]["set"] = async (capability, update) => {
    sent = { capability, ...update };
    return {
      capability,
      tenant: "*",
      policy: {},
      budget: null,
      setAt: "2026-01-01T00:00:00.000Z",
      setBy: "me",
    };
  };
  const line = "retry-policy set pay --attempts 3 --delay 5s --jitter full --never a --never b --budget 30";
  expect((await muster(line, { retryPolicies: { set } })).exitCode).toBe(0);
  expect(sent).toEqual({
    capability: "pay",
    policy: { maxAttempts: 3, delayMs: 5_000, jitter: "full", never: ["a", "b"] },
    budget: { perMinute: 30 },
  });
  const { err } = await muster("retry-policy set pay --jitter 2", { retryPolicies: { set } });
  expect(err).toContain("--jitter wants a number from 0 to 1");
});
