import { createClient } from "@muster/sdk";
import type { TextDelta } from "@muster/sdk/protocol";
import { expect, onTestFinished, test } from "vitest";
import { keys } from "../test/fake-orchestrator.ts";
import { asAgent, asClient, bearer, serveFake, until } from "../test/serve-fake.ts";
import { openSocket, refusedUpgrade } from "../test/socket.ts";

const submitted = async (options: Parameters<typeof serveFake>[0] = {}) => {
  const served = await serveFake(options);
  const client = createClient({ url: served.url, apiKey: keys.client });
  const { id } = await client.tasks.submit({ capability: "speak" });
  const say = (text: string, missed = 0): TextDelta => ({
    taskId: id,
    runId: null,
    agentId: "speaker-1",
    turn: 1,
    text,
    isRestart: false,
    missed,
  });
  return { ...served, client, id, say, address: `${served.url}/v1/tasks/${id}/stream` };
};

test("a piece is a frame", async () => {
  const { fake, address, say } = await submitted();
  const peer = await openSocket(address, asClient);
  await until(() => fake.speak(say("Hello")) === 1);
  expect(await peer.next()).toEqual(say("Hello"));
  peer.socket.close();
  await until(() => fake.speak(say("?")) === 0);
});

test("who is slow misses pieces and is told so", async () => {
  const { fake, address, say } = await submitted({ sendBounds: { bufferedBytes: 200_000 } });
  const peer = await openSocket(address, asClient);
  await until(() => fake.speak(say("")) === 1);
  peer.socket.pause();
  const text = "x".repeat(8_000);
  // More than all buffers on the way can take.
  for (let n = 0; n < 3_000; n++) {
    fake.speak(say(text));
    if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  peer.socket.resume();
  const missing = () => (peer.frames as TextDelta[]).reduce((sum, { missed }) => sum + missed, 0);
  await until(() => {
    fake.speak(say("end"));
    return missing() > 0;
  });
  const frames = peer.frames as TextDelta[];
  const shown = frames.filter(({ text: one }) => one === text).length;
  expect(shown).toBeLessThan(3_000);
  // Some of what was said while it caught up may be missing, too.
  expect(missing()).toBeGreaterThanOrEqual((3_000 - shown) * text.length);
});

test.each([
  ["no key", {}, 401],
  ["an agent's key", asAgent, 403],
  ["another tenant's key", bearer(keys.otherClient), 404],
])("with %s it is refused over HTTP", async (_, headers, status) => {
  const { address } = await submitted();
  expect(await refusedUpgrade(address, headers)).toMatchObject({ status });
});

test("the client reads until it is told to stop", async () => {
  const { fake, client, id, say } = await submitted();
  const over = new AbortController();
  onTestFinished(() => over.abort());
  const words = client.tasks.watch(id, { signal: over.signal })[Symbol.asyncIterator]();
  const first = words.next();
  await until(() => fake.speak(say("one")) === 1);
  expect(await first).toMatchObject({ value: { text: "one" } });
  over.abort();
  expect(await words.next()).toMatchObject({ done: true });
  await until(() => fake.speak(say("two")) === 0);
  await expect(
    client.tasks.watch("0199aa41-7c1e-7000-8000-00000000000a")[Symbol.asyncIterator]().next(),
  ).rejects.toMatchObject({ code: "not_found" });
});
