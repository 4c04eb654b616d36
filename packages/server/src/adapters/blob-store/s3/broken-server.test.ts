import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BlobStore } from "../../../ports/blob-store.ts";
import { bytesOf, collect, cut, sha256Of } from "../../../test/contracts/blob-content.ts";
import { slowDown } from "../../../test/fake-s3/fault.ts";
import { S3Refusal } from "../../../test/fake-s3/s3-refusal.ts";
import { type FakeS3, startFakeS3 } from "../../../test/fake-s3/start-fake-s3.ts";
import { createS3Blobs, type S3BlobsOptions } from "./create-s3-blobs.ts";

const megabyte = 1024 * 1024;
const large = bytesOf(1, 20 * megabyte);
const log = { info() {}, warn() {} };
const denied = () => new S3Refusal(403, "AccessDenied", "Access Denied");

let fake: FakeS3;
let store: BlobStore;
const open = (options: Partial<S3BlobsOptions> = {}) =>
  createS3Blobs({ url: fake.url("p"), log, ...options });
beforeEach(async () => {
  fake = await startFakeS3();
  store = await open();
});
afterEach(async () => {
  await store.close();
  await fake.close();
});
const read = async (key: string) => sha256Of(await collect((await store.get(key)).body));

describe("a server that stumbles", () => {
  test("is asked again, by everything", async () => {
    for (const operation of ["PutObject", "CreateMultipartUpload", "CompleteMultipartUpload"] as const)
      fake.faults.push({ operation, refusal: slowDown(), times: 2 });
    for (const operation of ["GetObject", "HeadObject", "ListObjectsV2", "DeleteObject"] as const)
      fake.faults.push({ operation, refusal: slowDown(), times: 2 });
    fake.faults.push({ operation: "UploadPart", after: 1, cutRequest: true });
    await store.put("large", cut(large));
    await store.put("small", cut(Buffer.from("x")));
    expect(await read("large")).toBe(sha256Of(large));
    expect(await store.head("small")).toMatchObject({ bytes: 1 });
    expect((await store.list("")).blobs).toHaveLength(2);
    await store.delete("small");
    expect(fake.faults).toEqual([]);
  });

  test.each([0, 1, 5 * megabyte, 20 * megabyte - 1])(
    "and cuts an answer after %i bytes is asked for the rest",
    async (bytes) => {
      await store.put("large", cut(large));
      fake.faults.push({ operation: "GetObject", key: "p/large", cutAnswerAfter: bytes, times: 2 });
      expect(await read("large")).toBe(sha256Of(large));
      const { body } = await store.get("large", { range: { start: 100, end: 9 * megabyte } });
      expect((await collect(body)).equals(large.subarray(100, 9 * megabyte + 1))).toBe(true);
      expect(fake.faults).toEqual([]);
    },
  );

  test("and cuts every answer at once is given up", async () => {
    await store.put("large", cut(large));
    fake.faults.push({ operation: "GetObject", key: "p/large", cutAnswerAfter: 0, times: 100 });
    await expect(read("large")).rejects.toMatchObject({ code: "unavailable" });
  });

  test.each([true, false])(
    "never mixes a blob with the one that replaced it (conditions honoured: %s)",
    async (honoursConditions) => {
      await fake.close();
      fake = await startFakeS3({ honoursConditions });
      store = await open();
      await store.put("large", cut(large));
      fake.faults.push({ operation: "GetObject", key: "p/large", cutAnswerAfter: 5 * megabyte });
      const reader = (await store.get("large")).body[Symbol.asyncIterator]();
      await reader.next();
      await store.put("large", cut(bytesOf(2, 20 * megabyte)));
      const rest = async () => {
        while ((await reader.next()).done !== true);
      };
      await expect(rest()).rejects.toMatchObject({ code: "unavailable" });
    },
  );

  test("and sends a wrong byte is found out before the last bytes are given out", async () => {
    await store.put("large", cut(large));
    fake.faults.push({ operation: "GetObject", key: "p/large", wrongByteAt: 11 * megabyte });
    await expect(read("large")).rejects.toMatchObject({ code: "content_damaged" });
  });

  test("and falls silent is given up", async () => {
    const impatient = await open({ silenceMs: 100 });
    fake.faults.push({ operation: "PutObject", hold: new Promise(() => {}), times: 10 });
    await expect(impatient.put("k", cut(Buffer.from("x")))).rejects.toMatchObject({
      code: "unavailable",
      retryable: true,
    });
    await impatient.close();
  });
});

describe("a large put", () => {
  test("whose part is refused leaves nothing", async () => {
    fake.faults.push({ operation: "UploadPart", after: 1, refusal: denied() });
    await expect(store.put("large", cut(large))).rejects.toMatchObject({ code: "unavailable" });
    expect(fake.bucket.uploads.size).toBe(0);
    expect(fake.bucket.objects.size).toBe(0);
  });

  test("stops reading soon after a part was refused", async () => {
    fake.faults.push({ operation: "UploadPart", refusal: denied() });
    let bytes = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        bytes += megabyte;
        yield Buffer.alloc(megabyte);
      }
    }
    await expect(store.put("large", endless())).rejects.toMatchObject({ code: "unavailable" });
    expect(bytes).toBeLessThan(100 * megabyte);
  });

  test("whose last answer is lost has succeeded, as the blob itself says", async () => {
    fake.faults.push({ operation: "CompleteMultipartUpload", cutAnswerAfter: -1 });
    await expect(store.put("large", cut(large))).resolves.toMatchObject({ bytes: large.length });
    expect(await read("large")).toBe(sha256Of(large));
  });

  test("that can't be completed has failed, and what was there before stays", async () => {
    await store.put("large", cut(Buffer.from("before")));
    fake.faults.push({ operation: "CompleteMultipartUpload", refusal: denied(), times: 10 });
    await expect(store.put("large", cut(large))).rejects.toMatchObject({ code: "unavailable" });
    expect(await read("large")).toBe(sha256Of(Buffer.from("before")));
    expect(fake.bucket.uploads.size).toBe(0);
  });

  test("reads no further than a few parts while the server takes none", async () => {
    let release = () => {};
    const hold = new Promise<void>((resolve) => {
      release = resolve;
    });
    fake.faults.push({ operation: "UploadPart", hold, times: 10 });
    let bytes = 0;
    let quiet = () => {};
    const stopped = new Promise<void>((resolve) => {
      quiet = resolve;
    });
    async function* counted(): AsyncGenerator<Uint8Array> {
      for (let part = 0; part < 64; part++) {
        bytes += megabyte;
        if (bytes === 16 * megabyte) setTimeout(quiet, 200);
        yield Buffer.alloc(megabyte, part);
      }
    }
    const putting = store.put("large", counted());
    await stopped;
    expect(bytes).toBeLessThanOrEqual(24 * megabyte);
    release();
    await expect(putting).resolves.toMatchObject({ bytes: 64 * megabyte });
  });
});

test("a reader that stops reading stops the server, too, and is served on when it goes on", async () => {
  const content = bytesOf(5, 64 * megabyte);
  await store.put("large", cut(content, [megabyte]));
  const stalled = new Promise<void>((resolve) => {
    fake.sent.onStalled = () => {
      // A server that is not stopped would write the rest by then.
      setTimeout(resolve, 200);
    };
  });
  fake.sent.bytes = 0;
  const reader = (await store.get("large")).body[Symbol.asyncIterator]();
  const chunks = [(await reader.next()).value as Uint8Array];
  await stalled;
  expect(fake.sent.bytes).toBeLessThan(24 * megabyte);
  for (let next = await reader.next(); next.done !== true; next = await reader.next())
    chunks.push(next.value);
  expect(sha256Of(Buffer.concat(chunks))).toBe(sha256Of(content));
});

test("a reader that was told to stop gets the reason", async () => {
  await store.put("large", cut(large));
  const abort = new AbortController();
  const { body } = await store.get("large", { signal: abort.signal });
  const reason = new Error("Enough.");
  const stopping = async () => {
    for await (const _ of body) abort.abort(reason);
  };
  await expect(stopping()).rejects.toBe(reason);
});

describe("what dead puts left behind", () => {
  const uploads = () => fake.bucket.uploads.size;
  const sums = () => [...fake.bucket.objects.keys()].filter((key) => key.startsWith("p/~sums/"));

  test("an upload is called off when it is old, below our prefix alone", async () => {
    fake.faults.push({ operation: "UploadPart", refusal: denied() });
    fake.faults.push({ operation: "AbortMultipartUpload", refusal: denied(), times: 10 });
    await expect(store.put("large", cut(large))).rejects.toMatchObject({ code: "unavailable" });
    fake.faults.length = 0;
    fake.bucket.uploads.set("foreign", { ...[...fake.bucket.uploads.values()][0]!, key: "other/large" });
    expect(await store.sweep()).toBe(0);
    expect(uploads()).toBe(2);
    const stale = await open({ staleMs: 0 });
    await stale.sweep();
    await stale.close();
    expect([...fake.bucket.uploads.keys()]).toEqual(["foreign"]);
  });

  test("the sums of blobs that were replaced or deleted are removed, and no other", async () => {
    const kept = bytesOf(9, 9 * megabyte);
    const keys = ["a", "a-b", "a/b", "replaced", "gone", "made-small", "z"];
    for (const key of keys) await store.put(key, cut(bytesOf(4, 9 * megabyte)));
    await store.put("replaced", cut(kept), { sha256: sha256Of(kept) });
    await store.put("made-small", cut(Buffer.from("small")));
    await store.delete("gone");
    expect(sums()).toHaveLength(8);
    expect(await store.sweep()).toBe(0);
    const stale = await open({ staleMs: -1_000 });
    await stale.sweep();
    await stale.close();
    expect(sums()).toHaveLength(5);
    for (const { key } of (await store.list("")).blobs) await read(key);
    expect(await read("replaced")).toBe(sha256Of(kept));
  });

  test("a blob whose sum somebody removed is damaged", async () => {
    await store.put("large", cut(large));
    for (const key of sums()) fake.bucket.objects.delete(key);
    await expect(store.get("large")).rejects.toMatchObject({ code: "content_damaged" });
    await expect(store.head("large")).rejects.toMatchObject({ code: "content_damaged" });
  });
});

describe("what S3 refuses says what to do", () => {
  const fails = async (url: string, hint: RegExp) => {
    const refused = await createS3Blobs({ url, log });
    const error = await refused.check().catch((caught) => caught);
    await refused.close();
    expect(error).toMatchObject({ code: "unavailable", hint: expect.stringMatching(hint) });
    expect(`${error.message} ${error.hint}`).not.toContain("not/a+secret=");
  };

  test("no such bucket", () =>
    fails(fake.url().replace("@muster-test", "@other"), /Create the bucket other/));
  test("a wrong secret", () => fails(fake.url().replace("not", "now"), /Check key and secret/));
  test("an unknown key", () => fails(fake.url().replace("MUSTERTESTKEY", "WHO"), /Check key and secret/));
  test("another region", () =>
    fails(fake.url("", { region: "eu-west-1" }), /in the region us-east-1 and not in eu-west-1/));
  test("nobody there", () => fails(fake.url("", { endpoint: "http://127.0.0.1:1" }), /reachable/));
  test("no right to do it", async () => {
    fake.faults.push({ operation: "PutObject", refusal: denied() });
    await fails(fake.url("q"), /s3:GetObject.*muster-test\/q\/\*/);
  });
  test("clocks that differ", async () => {
    const refusal = new S3Refusal(403, "RequestTimeTooSkewed", "The difference is too large.");
    fake.faults.push({ operation: "PutObject", refusal, times: 10 });
    await fails(fake.url(), /clocks/);
  });
  test("no region", async () => {
    const variables = ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_CONFIG_FILE"];
    const before = variables.map((name) => process.env[name]);
    for (const name of variables) delete process.env[name];
    process.env.AWS_CONFIG_FILE = "/nowhere";
    const missing = createS3Blobs({ url: "s3://bucket", log });
    await expect(missing).rejects.toMatchObject({
      code: "unavailable",
      hint: expect.stringMatching(/region/i),
    });
    variables.forEach((name, index) => {
      if (before[index] === undefined) delete process.env[name];
      else process.env[name] = before[index];
    });
  });

  test("and clocks that differ by an hour are no obstacle where the server tells its time", async () => {
    fake.advance(3_600_000);
    await store.put("k", cut(Buffer.from("x")));
    expect(await store.head("k")).toMatchObject({ bytes: 1 });
  });
});
