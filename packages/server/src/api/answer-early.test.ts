import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@muster/sdk";
import { describe, expect, onTestFinished, test } from "vitest";
import { createFilesystemBlobs } from "../adapters/blob-store/filesystem/create-filesystem-blobs.ts";
import { createS3Blobs } from "../adapters/blob-store/s3/create-s3-blobs.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import { createFakeArtifacts } from "../test/fake-artifacts.ts";
import { keys } from "../test/fake-orchestrator.ts";
import { startFakeS3 } from "../test/fake-s3/start-fake-s3.ts";
import { asClient, serveFake } from "../test/serve-fake.ts";

const megabyte = 1024 * 1024;
const mostBytes = 20 * megabyte;
const log = { info() {}, warn() {} };

/** What is under test, and what a refused put left in it. */
interface Store {
  blobs: BlobStore;
  leftovers(): Promise<number>;
}

async function onDisk(): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), "muster-early-"));
  const blobs = await createFilesystemBlobs({ folder, log });
  onTestFinished(async () => {
    await blobs.close();
    await rm(folder, { recursive: true });
  });
  return { blobs, leftovers: async () => (await readdir(join(folder, "~incoming"))).length };
}

async function inBucket(): Promise<Store> {
  const fake = await startFakeS3();
  const blobs = await createS3Blobs({ url: fake.url("p"), log });
  onTestFinished(async () => {
    await blobs.close();
    await fake.close();
  });
  return { blobs, leftovers: async () => fake.bucket.uploads.size + fake.bucket.objects.size };
}

/** A file without an end, and how much of it was taken. */
function endless() {
  const taken = { bytes: 0 };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      taken.bytes += megabyte;
      yield Buffer.alloc(megabyte, 7);
    }
  }
  return { taken, chunks };
}

describe.each([
  ["a folder", onDisk],
  ["a bucket", inBucket],
])("an upload of unknown length into %s that grows too large", (_, open) => {
  const serve = async () => {
    const store = await open();
    const served = await serveFake({ artifacts: createFakeArtifacts(store.blobs, mostBytes) });
    const isEmpty = async () => {
      expect((await store.blobs.list("")).blobs).toEqual([]);
      await expect.poll(store.leftovers).toBe(0);
    };
    return { ...served, isEmpty };
  };

  test("is refused while it goes on, and fetch hears of it", async () => {
    const { url, isEmpty } = await serve();
    const { taken, chunks } = endless();
    const init = { method: "PUT", headers: asClient, body: chunks(), duplex: "half" };
    const answer = await fetch(`${url}/v1/artifacts/a`, init as unknown as RequestInit);
    expect(answer.status).toBe(413);
    expect(answer.headers.get("connection")).toBe("close");
    expect(await answer.json()).toMatchObject({ code: "payload_too_large" });
    await isEmpty();
    expect(taken.bytes).toBeLessThan(100 * megabyte);
  });

  test("is refused with the reason, and is not sent again by the SDK", async () => {
    const { url, isEmpty } = await serve();
    const client = createClient({ url, apiKey: keys.client });
    let sent = 0;
    const { chunks } = endless();
    const source = () => {
      sent++;
      return chunks();
    };
    await expect(client.artifacts.put("a", source)).rejects.toMatchObject({ code: "payload_too_large" });
    expect(sent).toBe(1);
    await isEmpty();
    await client.artifacts.put("b", "the next one");
  });
});

describe("on the wire, an answer that comes early", () => {
  const chunk = Buffer.alloc(64 * 1024, 7);
  const framed = Buffer.concat([Buffer.from("10000\r\n"), chunk, Buffer.from("\r\n")]);
  const head = [
    "PUT /v1/artifacts/a HTTP/1.1",
    "host: x",
    `authorization: ${asClient.authorization}`,
    "transfer-encoding: chunked",
    "",
    "",
  ].join("\r\n");

  async function open(url: string) {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    await once(socket, "connect");
    let heard = "";
    socket.on("data", (data: Buffer) => {
      heard += data.toString();
    });
    socket.on("error", () => {});
    const isOver = new Promise((resolve) => socket.once("close", resolve));
    socket.write(head);
    return { socket, isOver, heard: () => heard };
  }
  const isWhole = (text: string) => {
    const [start = "", body = ""] = text.split("\r\n\r\n");
    return Number(/content-length: (\d+)/.exec(start)?.[1]) === Buffer.byteLength(body);
  };

  test("is whole before the client has stopped, and the connection is closed when it has", async () => {
    const { url } = await serveFake();
    const { socket, isOver, heard } = await open(url);
    while (heard() === "") {
      socket.write(framed);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => isWhole(heard())).toBe(true);
    expect(heard()).toMatch(/^HTTP\/1.1 413 [\s\S]*connection: close/);
    expect(socket.destroyed).toBe(false);
    socket.write("0\r\n\r\n");
    await isOver;
    expect(heard().match(/HTTP\/1.1/g)).toHaveLength(1);
  });

  test("is the last thing that a client gets who never stops", async () => {
    const { url } = await serveFake();
    const { socket, isOver, heard } = await open(url);
    let isOpen = true;
    let sent = 0;
    void isOver.then(() => {
      isOpen = false;
    });
    while (isOpen) {
      sent += framed.length;
      if (socket.write(framed)) continue;
      await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), isOver]);
    }
    expect(heard()).toMatch(/^HTTP\/1.1 413/);
    expect(sent).toBeLessThan(128 * megabyte);
  });

  test("to a short request keeps the connection", async () => {
    const { url } = await serveFake();
    const { socket, isOver, heard } = await open(url);
    socket.write("0\r\n\r\n");
    await expect.poll(heard).toContain("200 OK");
    const refused = head
      .replace(/Bearer.*/, "Bearer nobody")
      .replace("transfer-encoding: chunked", "content-length: 2");
    socket.write(`${refused}{`);
    await expect.poll(heard).toContain("401 Unauthorized");
    socket.write("}");
    socket.write(`${head}0\r\n\r\n`);
    await expect.poll(() => heard().match(/200 OK/g)).toHaveLength(2);
    socket.end();
    await isOver;
  });
});
