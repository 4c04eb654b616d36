import { join } from "node:path";
import { createAgent, type TaskDetail } from "@muster/sdk";
import { afterEach, expect, test } from "vitest";
import { cleanUp, root, startProcess, temporaryFolder, waitForOutput } from "./support/processes.ts";
import { startFreshServer } from "./support/server-process.ts";
import { readSideFile } from "./support/side-file.ts";

afterEach(cleanUp);

const turnMicros = 100;
const most = 20;
const workOf = (number: number) => `work-${number}`;

/** Everything that the agent with the scripted model needs to know. */
const startLoopAgent = async (
  place: { url: string; apiKey: string },
  sideFile: string,
  name: string,
  work: string[],
  killBehind = 0,
) => {
  const agent = startProcess(process.execPath, [join(root, "e2e", "support", "loop-agent.mjs")], {
    env: {
      MUSTER_URL: place.url,
      MUSTER_API_KEY: place.apiKey,
      AGENT_NAME: name,
      SIDE_FILE: sideFile,
      CAPABILITIES: work.join(","),
      KILL_BEHIND: String(killBehind),
    },
  });
  await waitForOutput(agent, /^Registered as /m);
  return agent;
};

const costOf = ({ budget }: TaskDetail) => budget?.spent;

test("an agent that is killed behind any entry of its journal is followed by one that finishes the same work", {
  timeout: 120_000,
}, async () => {
  const sideFile = join(temporaryFolder(), "effects");
  const { server, client, apiKey } = await startFreshServer(join(temporaryFolder(), "data"));
  const place = { url: server.url, apiKey };
  const doubler = createAgent({
    name: "doubler",
    maxConcurrency: most,
    capabilities: [{ name: "double", handler: ({ input }) => input * 2 }],
  });
  await doubler.start(place);
  const submit = (number: number) =>
    client.tasks
      .submit([
        {
          capability: workOf(number),
          retry: { delayMs: 1 },
          // So that what was spent is counted by the orchestrator.
          budget: { moneyMicros: 1_000_000 },
        },
      ])
      .then(([task]) => task!.id);
  const entriesOf = (taskId: string) =>
    readSideFile(sideFile).flatMap(([what, id, key]) => (what === "entry" && id === taskId ? [key!] : []));
  const effectsOf = (taskId: string) =>
    readSideFile(sideFile).flatMap(([what, id, name]) => (what === "effect" && id === taskId ? [name] : []));

  const whole = await startLoopAgent(place, sideFile, "whole", [workOf(0)]);
  const firstId = await submit(0);
  const first = await client.tasks.wait(firstId, { timeoutMs: 60_000 });
  await whole.end("SIGTERM");
  const output = { doubled: 42, done: ["c", "delegate", "read-a", "read-b"] };
  expect(first).toMatchObject({ status: "completed", output, attempts: 1 });
  expect(costOf(first)).toMatchObject({ moneyMicros: 3 * turnMicros });
  const entries = entriesOf(firstId);
  expect(entries.length).toBe(3 + 4 + 1 + 1);

  // Each is killed behind another entry. Nobody else can do its task until the last one comes.
  const killed: { id: string; last: string }[] = [];
  for (let number = 1; number <= entries.length; number++) {
    const doomed = await startLoopAgent(place, sideFile, `doomed-${number}`, [workOf(number)], number);
    const id = await submit(number);
    expect((await doomed.ended).exitCode).toBeNull();
    expect(entriesOf(id)).toHaveLength(number);
    killed.push({ id, last: entriesOf(id).at(-1)! });
  }
  await startLoopAgent(
    place,
    sideFile,
    "heir",
    killed.map((_, index) => workOf(index + 1)),
  );
  for (const { id, last } of killed) {
    const task = await client.tasks.wait(id, { timeoutMs: 60_000 });
    expect({ last, ...task }).toMatchObject({ last, status: "completed", output, attempts: 2 });
    expect({ last, effects: effectsOf(id) }).toEqual({ last, effects: ["c"] });
    // Behind "begun" nobody knows whether the call was made: two more turns, to look and to make it.
    const moneyMicros = (last.endsWith(":begun") ? 5 : 3) * turnMicros;
    expect({ last, ...costOf(task) }).toMatchObject({ last, moneyMicros });
    // Every step was recorded once, so none was done twice.
    const recorded = entriesOf(id).filter((key) => !key.startsWith("delegate:"));
    expect(recorded).toHaveLength(new Set(recorded).size);
  }
  const doubled = await client.tasks.list({ capability: "double", limit: 100 });
  expect(doubled.items).toHaveLength(entries.length + 1);
  await doubler.stop(0);
});
