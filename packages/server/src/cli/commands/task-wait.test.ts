import { expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { createFakeClient, fakeTask } from "../../test/fake-client.ts";
import { runCli } from "../run-cli.ts";

const env = { MUSTER_URL: "http://127.0.0.1:6878", MUSTER_API_KEY: "k" };

test("--follow shows what the agent says, without what could harm a terminal", async () => {
  const detail = { ...fakeTask(), dependsOn: [], failedAttempts: [], budget: null };
  const { id } = detail;
  const about = { taskId: id, runId: null, agentId: "lister-1", isRestart: false, missed: 0 };
  const said = [
    { ...about, turn: 1, text: "Let me " },
    { ...about, turn: 1, text: "look.\u001b[2J\nThere" },
    { ...about, turn: 2, text: "it is.", missed: 7 },
  ];
  let isSaid = () => {};
  const all = new Promise<void>((resolve) => {
    isSaid = resolve;
  });
  async function* watch() {
    yield* said;
    isSaid();
  }
  const wait = async () => {
    await all;
    return { ...detail, status: "completed" as const, error: null, output: 3 };
  };
  const client = createFakeClient({ tasks: { wait, watch } });
  const context = createFakeCliContext({ env, createClient: async () => client });
  const exitCode = await runCli(["task", "wait", id, "--follow"], context);
  const [out, err] = [context.stdout.text(), context.stderr.text()];
  expect({ exitCode, out }).toEqual({ exitCode: 0, out: "3\n" });
  expect(err).toMatch(/^lister-1: Let me look\.\nThere\nlister-1: … it is\.\n✔ task /);
});
