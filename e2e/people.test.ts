import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { cleanUp, eventually, startProcess, temporaryFolder, waitForOutput } from "./support/processes.ts";
import { binary, startFreshServer } from "./support/server-process.ts";

afterEach(cleanUp);

const agents = `export default {
  name: "buyer",
  capabilities: [{
    name: "buy",
    handler: async (task) => {
      const { amount } = await task.ask("How many?", {
        type: "object", properties: { amount: { type: "integer" } }, required: ["amount"],
      }, { to: { person: "anna" } });
      const { approved } = await task.approve("Buy " + amount + "?");
      return { bought: approved ? amount : 0 };
    },
  }],
};`;

it("an agent asks a person, who answers on the command line, though the agent's process was killed meanwhile", async () => {
  const folder = temporaryFolder();
  const { server, client, apiKey } = await startFreshServer(join(folder, "data"));
  const env = { MUSTER_URL: server.url, MUSTER_API_KEY: apiKey };
  const path = join(folder, "agents.mjs");
  writeFileSync(path, agents);
  const work = () => startProcess(process.execPath, [binary, "work", path, "--json"], { env });
  const muster = async (argv: string[], key = apiKey) => {
    const done = startProcess(process.execPath, [binary, ...argv], { env: { ...env, MUSTER_API_KEY: key } });
    return done.ended;
  };
  const waiting = async (question: string) => {
    let taskId = "";
    await eventually(`somebody is asked: ${question}`, async () => {
      const { items } = await client.inbox.list();
      taskId = items.find((item) => item.question === question)?.taskId ?? "";
      return taskId !== "";
    });
    return taskId;
  };

  const worker = work();
  await waitForOutput(worker, /"agents"/);
  await client.people.put({ name: "anna" });
  const { key } = await client.keys.create({ name: "laptop", role: "client", person: "anna" });
  const { id } = await client.tasks.submit({ capability: "buy", input: {} });
  const amount = await waiting("How many?");
  await worker.end("SIGKILL");
  const wrong = await muster(["inbox", "answer", amount, "--answer", '{"amount": "x"}'], key);
  expect(wrong).toMatchObject({ exitCode: 2, err: expect.stringContaining("does not fit") });
  const right = await muster(["inbox", "answer", amount, "--answer", '{"amount": 3}'], key);
  expect(right.out).toBe(`answered by anna: task ${amount} is completed\n`);
  const second = await muster(["inbox", "answer", amount, "--answer", '{"amount": 4}']);
  expect(second).toMatchObject({ exitCode: 1, err: expect.stringContaining("anna answered it") });
  const again = work();
  await muster(["inbox", "answer", await waiting("Buy 3?"), "--yes"], key);
  expect(await client.tasks.wait(id, { timeoutMs: 30_000 })).toMatchObject({ output: { bought: 3 } });
  expect(await client.inbox.share()).toMatchObject({ finished: 1, withPeople: 1 });
  await again.end("SIGTERM");
}, 120_000);
