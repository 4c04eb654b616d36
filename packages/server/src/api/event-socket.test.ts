import { describe, expect, test } from "vitest";
import { keys } from "../test/fake-orchestrator.ts";
import { asAgent, asClient, asRoot, bearer, serveFake, sleep, until } from "../test/serve-fake.ts";
import { openSocket, refusedUpgrade } from "../test/socket.ts";

const task = "0190163d-8694-739b-aea5-966c26f8ad91";

async function stream(query = "", headers = asClient, options: Parameters<typeof serveFake>[0] = {}) {
  const parts = await serveFake(options);
  return { ...parts, open: () => openSocket(`${parts.url}/v1/events/stream?${query}`, headers) };
}

describe("the event stream", () => {
  test("goes on behind a number, without a gap and without a repeat", async () => {
    const { fake, open } = await stream("after=1");
    for (let index = 0; index < 3; index++) fake.emit("task.submitted");
    const peer = await open();
    expect(await peer.next()).toMatchObject({ seq: 2 });
    expect(await peer.next()).toMatchObject({ seq: 3 });
    fake.emit("task.ready");
    expect(await peer.next()).toMatchObject({ seq: 4, type: "task.ready" });
  });

  test("without a number has only what is new", async () => {
    const { fake, open } = await stream();
    fake.emit("task.submitted");
    const peer = await open();
    await until(() => fake.open.subscriptions === 1);
    fake.emit("task.ready");
    expect(await peer.next()).toMatchObject({ seq: 2 });
  });

  test("has the events of one task, or of some types, or of one tenant", async () => {
    const { fake, url, open } = await stream(`after=0&taskId=${task}`);
    const byType = await openSocket(`${url}/v1/events/stream?after=0&types=run.started,run.failed`, asClient);
    const other = await openSocket(`${url}/v1/events/stream?after=0`, bearer(keys.otherClient));
    const all = await openSocket(`${url}/v1/events/stream?after=0`, asRoot);
    const byTask = await open();
    fake.emit("task.ready");
    fake.emit("task.ready", { taskId: task });
    fake.emit("run.failed");
    fake.emit("run.failed", { tenant: "other" });
    await until(() => all.frames.length === 4);
    await sleep(20);
    expect(byTask.frames).toMatchObject([{ seq: 2 }]);
    expect(byType.frames).toMatchObject([{ seq: 3 }]);
    expect(other.frames).toMatchObject([{ seq: 4 }]);
  });

  test.each([
    ["", {}, 401],
    ["", asAgent, 403],
    ["after=x", asClient, 400],
    ["types=nope", asClient, 400],
    ["taskId=1", asClient, 400],
    ["afetr=1", asClient, 400],
  ])("?%s with %j is refused over HTTP", async (query, headers, status) => {
    const { url } = await stream();
    const refused = await refusedUpgrade(`${url}/v1/events/stream?${query}`, headers);
    expect(refused.status).toBe(status);
    expect(JSON.parse(refused.body).status).toBe(status);
  });

  test("ends its subscription with the connection", async () => {
    const { fake, open } = await stream();
    const peer = await open();
    await until(() => fake.open.subscriptions === 1);
    peer.socket.terminate();
    await until(() => fake.open.subscriptions === 0);
  });

  test("takes no messages", async () => {
    const { open } = await stream();
    const peer = await open();
    peer.send("{}");
    expect((await peer.closed).code).toBe(1008);
  });

  test("says goodbye when the server closes", async () => {
    const { api, fake, open } = await stream();
    const peer = await open();
    await until(() => fake.open.subscriptions === 1);
    await api.close();
    expect((await peer.closed).code).toBe(1012);
    expect(fake.open.subscriptions).toBe(0);
  });

  test("waits for a reader that is slow, and closes one that stands still", async () => {
    const { fake, open } = await stream("after=0", asClient, {
      sendBounds: { bufferedBytes: 64 * 1024, stallMs: 300 },
    });
    const peer = await open();
    peer.socket.pause();
    let emitted = 0;
    // More than the buffers of both sides and of the kernel between them can hold.
    for (; emitted < 20_000; emitted++) {
      Object.assign(fake.emit("task.log").data, { text: "x".repeat(2_000) });
      if (emitted % 1_000 === 0) await sleep(1);
    }
    await sleep(500);
    peer.socket.resume();
    expect(await peer.closed).toMatchObject({ code: 1013, reason: expect.stringContaining("after=") });
    expect(peer.frames.length).toBeLessThan(emitted);
    const seqs = peer.frames.map((event) => (event as { seq: number }).seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    await until(() => fake.open.subscriptions === 0);
  });
});
