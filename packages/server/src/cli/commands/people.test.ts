import type { PersonRegistration } from "@muster/sdk/protocol";
import { describe, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { createFakeClient } from "../../test/fake-client.ts";
import { runCli } from "../run-cli.ts";

const env = { MUSTER_URL: "http://127.0.0.1:6878", MUSTER_API_KEY: "k" };

async function muster(line: string) {
  const added: PersonRegistration[] = [];
  const put = async (person: PersonRegistration) => {
    added.push(person);
    return {
      id: "0199aa41-7c1e-7000-8000-000000000001",
      name: person.name,
      tenant: "default",
      description: "",
      capabilities: [],
      hours: person.hours ?? null,
      atWork: true,
      registeredAt: "2026-01-01T00:00:00.000Z",
    };
  };
  const context = createFakeCliContext({
    env,
    createClient: async () => createFakeClient({ people: { put } }),
  });
  const exitCode = await runCli(line.split(" "), context);
  return { exitCode, added, err: context.stderr.text() };
}

describe("people add", () => {
  test("says what somebody can do and when they are at work", async () => {
    const line =
      "people add anna --capability a --capability b --hours 09:00-17:30 --timezone Europe/Berlin --days 1-3,5";
    expect((await muster(line)).added).toEqual([
      {
        name: "anna",
        capabilities: [{ name: "a" }, { name: "b" }],
        hours: { timezone: "Europe/Berlin", days: [1, 2, 3, 5], from: "09:00", to: "17:30" },
      },
    ]);
  });

  test.each([
    ["people add anna --hours 9-17", "--hours wants"],
    ["people add anna --hours 09:00-17:00 --days 5-1", "--days wants"],
    ["people add anna --hours 09:00-17:00 --days 8", "--days wants"],
  ])("%s adds nobody", async (line, sentence) => {
    const { exitCode, added, err } = await muster(line);
    expect(err).toContain(sentence);
    expect([exitCode, added]).toEqual([2, []]);
  });
});
