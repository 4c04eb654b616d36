/**
 * What the image is made of, without a container engine: the steps of the Dockerfile are carried out in an empty folder, and
 * what comes out is started as the image starts it: as nobody in particular, unable to write to its own program.
 */
import { spawnSync } from "node:child_process";
import { chownSync, existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Scratch,
  scratchDatabase,
  scratchPrefix,
  scratchVhost,
  services,
} from "../../packages/server/src/test/services.ts";
import { freePorts } from "../../scripts/services/free-ports.ts";
import { buildImageTree } from "../support/build-image-tree.ts";
import {
  cleanUp,
  eventually,
  type RunningProcess,
  startProcess,
  temporaryFolder,
} from "../support/processes.ts";

const buildMs = 600_000;
const adminKey = "a-key-that-only-this-test-knows-about";
/** The user of the image, where the test may become somebody else. */
const imageUser = 1000;
const asUser =
  process.getuid?.() === 0
    ? ["setpriv", `--reuid=${imageUser}`, `--regid=${imageUser}`, "--clear-groups"]
    : [];

let tree: string;
let database: Scratch;
let vhost: Scratch;

beforeAll(async () => {
  database = await scratchDatabase();
  vhost = await scratchVhost();
  tree = await buildImageTree();
}, buildMs);

afterAll(async () => {
  await cleanUp();
  await database?.drop();
  await vhost?.drop();
});

const muster = (): string => join(tree, "packages/server/bin/muster.js");

function isHealthy(url: string): boolean {
  const { status } = spawnSync(process.execPath, [join(tree, "deploy/healthcheck.mjs"), url]);
  return status === 0;
}

/** Starts `muster serve` as the ENTRYPOINT and CMD of the image do. */
function serve(port: number): RunningProcess {
  const data = temporaryFolder();
  if (asUser.length > 0) chownSync(data, imageUser, imageUser);
  const [file = "", ...argv] = [...asUser, process.execPath, muster(), "serve"];
  return startProcess(file, argv, {
    cwd: data,
    env: {
      NODE_ENV: "production",
      MUSTER_HOST: "127.0.0.1",
      MUSTER_PORT: String(port),
      MUSTER_DATA_DIR: data,
      DATABASE_URL: database.url,
      AMQP_URL: vhost.url,
      REDIS_URL: services.redisUrl,
      MUSTER_CLUSTER_PREFIX: scratchPrefix().replace(/:$/, ""),
      MUSTER_ADMIN_KEY: adminKey,
      MUSTER_DRAIN_MS: "0",
    },
  });
}

test("it has what production needs and nothing else", () => {
  for (const there of [
    "node_modules/pg",
    "node_modules/rabbitmq-client",
    "packages/server/dist/migrations",
  ]) {
    expect(existsSync(join(tree, there)), there).toBe(true);
  }
  for (const absent of [
    "node_modules/typescript",
    "node_modules/vitest",
    "packages/server/src",
    "scripts",
    "bench",
  ]) {
    expect(existsSync(join(tree, absent)), absent).toBe(false);
  }
  const { status, stdout } = spawnSync(process.execPath, [muster(), "version"], {
    encoding: "utf8",
    cwd: tree,
  });
  expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining("0.1.0") });
});

test("a node starts from it on a cluster's servers, is found healthy, works, and stops when it is told to", async () => {
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const node = serve(port);
  const ended = node.ended.then(({ err }) => Promise.reject(new Error(`It ended: ${err}`)));
  await Promise.race([ended, eventually("it is ready", () => isHealthy(`${url}/readyz`))]);
  expect(isHealthy(`${url}/livez`)).toBe(true);
  const response = await fetch(`${url}/v1/tasks`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
    body: '{"capability": "echo"}',
  });
  expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 201 });
  ended.catch(() => undefined);
  const { exitCode } = await node.end("SIGTERM");
  expect(exitCode).toBe(0);
  expect(isHealthy(`${url}/livez`)).toBe(false);
});
