import { describe, expect, test } from "vitest";
import { bytesOf, collect, cut, sha256Of } from "./blob-content.ts";
import type { BlobStoreUnderTest } from "./blob-store-under-test.ts";

const megabyte = 1024 * 1024;

/** A body that gives so many bytes and then does `end`; says when it was let go. */
function bodyThatEnds(bytes: number, end: () => Promise<never>) {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      yield* cut(bytesOf(1, bytes));
      await end();
    } finally {
      release();
    }
  }
  return { body: body(), released };
}

/** Puts that fail, are called off, or bring something else: none of them leaves a trace. */
export function describeBrokenPuts(under: () => BlobStoreUnderTest): void {
  describe("a put that does not come to its end", () => {
    const before = Buffer.from("what was there before");
    const lengths = [0, 1_000, 9 * megabyte, 20 * megabyte];

    async function leavesNoTrace(break_: () => Promise<void>): Promise<void> {
      const { store, leftovers } = under();
      await break_();
      expect(await store.list("")).toEqual({ blobs: [], next: null });
      await store.put("broken", cut(before));
      await break_();
      expect((await collect((await store.get("broken")).body)).toString()).toBe(before.toString());
      expect(await leftovers()).toBe(0);
    }

    test.each(lengths)("since its body fails after %i bytes passes the failure on", async (length) => {
      const failure = new Error("The source broke.");
      await leavesNoTrace(async () => {
        const { body, released } = bodyThatEnds(length, () => Promise.reject(failure));
        await expect(under().store.put("broken", body)).rejects.toBe(failure);
        await released;
      });
    });

    test.each(lengths)("since it is called off after %i bytes, rejects with the reason", async (length) => {
      const reason = new Error("Enough.");
      await leavesNoTrace(async () => {
        const abort = new AbortController();
        const { body } = bodyThatEnds(length, () => {
          abort.abort(reason);
          return new Promise<never>(() => {});
        });
        await expect(under().store.put("broken", body, { signal: abort.signal })).rejects.toBe(reason);
      });
    });

    test("since it was called off before, does not begin", async () => {
      await leavesNoTrace(async () => {
        const reason = new Error("Never.");
        const body = cut(bytesOf(1, 100));
        const options = { signal: AbortSignal.abort(reason) };
        await expect(under().store.put("broken", body, options)).rejects.toBe(reason);
      });
    });

    test.each([5, 9 * megabyte])("since %i bytes are not those announced, is refused", async (length) => {
      await leavesNoTrace(async () => {
        const sha256 = sha256Of(bytesOf(2, length));
        const put = under().store.put("broken", cut(bytesOf(1, length)), { sha256 });
        await expect(put).rejects.toMatchObject({ code: "checksum_mismatch" });
      });
    });

    test.each([5, 9 * megabyte])(
      "is not mistaken for one of %i bytes that are those announced",
      async (length) => {
        const content = bytesOf(1, length);
        const sha256 = sha256Of(content);
        await under().store.put("whole", cut(content), { sha256 });
        expect(await under().store.head("whole")).toMatchObject({ sha256, bytes: length });
      },
    );

    test("a sum that is none is refused", async () => {
      for (const sha256 of ["", "abc", "A".repeat(64)]) {
        const put = under().store.put("broken", cut(Buffer.from("x")), { sha256 });
        await expect(put).rejects.toMatchObject({ code: "invalid_request" });
      }
    });
  });
}
