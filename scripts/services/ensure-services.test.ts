import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ensureServices, stopServices } from "./ensure-services.ts";
import { freePorts } from "./free-ports.ts";
import { openPrivateServer } from "./private-server.ts";
import type { ServerKind } from "./server-kind.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-services-test-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await stopServices(folder, () => undefined, [kind]);
  rmSync(folder, { recursive: true });
});

const portOf = (url: string): number => Number(new URL(url).port);

/** Null where somebody listens there. */
const refusal = (url: string): Promise<string | null> =>
  new Promise((resolve) => {
    const socket = connect(portOf(url), "127.0.0.1");
    socket.on("error", () => resolve("nobody answers"));
    socket.on("connect", () => {
      socket.destroy();
      resolve(null);
    });
  });

/** A server that every machine has: it listens, and that is all. */
const kind: ServerKind = {
  name: "Listener",
  id: "redis",
  variable: "MUSTER_TEST_REDIS_URL",
  usualUrl: "tcp://127.0.0.1:1",
  packages: ["listener-server"],
  portCount: 1,
  stopSignal: "SIGTERM",
  obstacle: () => null,
  prepare: async () => undefined,
  command: (_, [port]) => ({
    file: process.execPath,
    argv: ["-e", `require("node:net").createServer().listen(${port}, "127.0.0.1")`],
  }),
  url: ([port]) => `tcp://127.0.0.1:${port}`,
  refusal,
};

const ensure = (kinds = [kind]) => ensureServices({ folder, kinds });

it("starts what does not run, once, however many ask at once", async () => {
  const [first, second] = await Promise.all([ensure(), ensure()]);
  expect(first.services).toEqual([
    { id: "redis", name: "Listener", origin: "private", url: expect.any(String) },
  ]);
  expect(second).toEqual(first);
  expect(first.environment).toEqual({ MUSTER_TEST_REDIS_URL: first.services[0]!.url });
  expect(await refusal(first.services[0]!.url)).toBeNull();
});

it("uses what runs at the usual place, and leaves it alone", async () => {
  const own = await openPrivateServer(kind, join(folder, "another"));
  await own.start();
  const usual = { ...kind, usualUrl: own.url };
  expect((await ensure([usual])).services).toMatchObject([{ origin: "found", url: own.url }]);
  await stopServices(folder, () => undefined, [usual]);
  expect(await refusal(own.url)).toBeNull();
  await own.remove();
});

it("does not replace a server that was named and is not there", async () => {
  vi.stubEnv("MUSTER_TEST_REDIS_URL", `tcp://127.0.0.1:${(await freePorts(1))[0]}`);
  await expect(ensure()).rejects.toThrow(
    "Listener can't be used where MUSTER_TEST_REDIS_URL says it is: nobody answers.",
  );
});

it("says what to install", async () => {
  const absent = { ...kind, obstacle: () => "it is not installed" };
  await expect(ensure([absent])).rejects.toThrow(
    "Listener is needed, and it is not installed. On Debian or Ubuntu: sudo apt-get install listener-server.",
  );
});

it("finds its own server again, kills it and starts it at the same port", async () => {
  const place = join(folder, "redis");
  const server = await openPrivateServer(kind, place);
  await server.start();
  const again = await openPrivateServer(kind, place);
  expect([again.url, again.isRunning()]).toEqual([server.url, true]);
  await again.kill();
  expect([server.isRunning(), await refusal(server.url)]).toEqual([false, "nobody answers"]);
  await server.start();
  expect(await refusal(server.url)).toBeNull();
  await server.remove();
  expect(await refusal(server.url)).toBe("nobody answers");
});
