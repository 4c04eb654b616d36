import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { chooseAgentsFile } from "./read-agents-file.ts";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "muster-choose-"));
});
afterEach(() => rmSync(cwd, { recursive: true }));

const file = (name: string) => `agents:
  - name: ${name}
    kind: command
    shell: echo hi
    capabilities: [greet]
`;
const safe = file("shell");

/** Whether agents were chosen, and what was said. */
async function choose(
  text: string,
  { typed, ...options }: { typed?: string; yes?: boolean; config?: string } = {},
) {
  writeFileSync(join(cwd, "muster.yaml"), text);
  const context = createFakeCliContext({
    cwd,
    isInteractive: typed !== undefined,
    stdin: async function* () {
      yield Buffer.from(typed ?? "");
    },
    workflowLanguage: () => import("@muster/workflow"),
    configuredAgents: () => import("../../start-worker.ts"),
    models: () => import("../../models.ts"),
  });
  const chosen = await chooseAgentsFile(context, options);
  return { names: chosen?.agents.map(({ name }) => name), said: context.stderr.text() };
}

test("a file that merely lies here is asked about where somebody can be asked, and else left alone", async () => {
  expect(await choose(safe)).toMatchObject({ names: undefined, said: expect.stringContaining("left alone") });
  const asked = await choose(safe, { typed: "y\n" });
  expect(asked.names).toEqual(["shell"]);
  expect(asked.said).toBe("muster.yaml here has agents that run commands: shell. Start them? [y/N] ");
  for (const typed of ["\n", "no\n", ""]) {
    const refused = await choose(safe, { typed });
    expect(refused.names).toBeUndefined();
    expect(refused.said).toContain("left alone");
  }
});

test("one that was named, or agreed to, is not asked about", async () => {
  for (const options of [{ yes: true }, { config: "muster.yaml" }]) {
    const { names, said } = await choose(safe, { ...options, typed: "n\n" });
    expect([names, said]).toEqual([["shell"], ""]);
  }
});

test.each([
  ["with mistakes", file("[1]")],
  ["with a name that is none", file('"shell\\u001b[31m"')],
  ["that is no file of agents", "agents: 3\n"],
])("one %s is no question, and nothing of it reaches the terminal", async (_, text) => {
  const { names, said } = await choose(text, { typed: "y\n" });
  expect(names).toBeUndefined();
  expect(said).toContain("left alone");
  expect(said).not.toContain("\u001b");
});
