import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { takeFolderLock } from "../../packages/server/src/adapters/database/pglite/folder-lock.ts";
import { findProgram } from "./find-program.ts";
import { openPrivateServer, type PrivateServer } from "./private-server.ts";
import type { ServerKind } from "./server-kind.ts";
import { serverKinds } from "./server-kinds.ts";

/** A server that tests can use. */
export interface Service {
  id: ServerKind["id"];
  name: string;
  url: string;
  /** `found`: somebody else runs it. `private`: it is ours, in the folder of services. */
  origin: "found" | "private";
}

export interface Services {
  services: Service[];
  /** The load balancer's program; null where it is not installed. */
  nginx: string | null;
  /** The sandbox's program; null where it is not installed. */
  bubblewrap: string | null;
  /** What tests read. */
  environment: Record<string, string>;
}

export interface EnsureOptions {
  /** Where private servers live. */
  folder?: string;
  /** Installs what is missing; needs root and apt-get. */
  install?: boolean;
  /** Starts servers of our own whoever else runs. */
  onlyPrivate?: boolean;
  /** Told, in sentences, what is going on. */
  say?: (sentence: string) => void;
  /** Other servers than those that a cluster needs, for tests. */
  kinds?: readonly ServerKind[];
}

/** Someone else may be starting RabbitMQ, or installing everything. */
const waitForOthersMs = 300_000;
/** Programs that cluster tests use and nobody has to start, with their packages. */
const programs: readonly [program: string, debianPackage: string][] = [
  ["nginx", "nginx-light"],
  ["bwrap", "bubblewrap"],
  ["git", "git"],
];

/** One for each user of the machine. */
export const usualFolder = (): string => join(tmpdir(), `muster-services-${process.getuid?.() ?? "user"}`);

/**
 * Sees to it that there is a PostgreSQL, a RabbitMQ, a Redis and an S3 server for tests. One that runs at the usual port, or where
 * its `MUSTER_TEST_…` variable says, is used; for each that does not, a private one is started that stays until it is
 * stopped. Called again, or by several at once, it finds what is there. Rejects, in words that say what to install,
 * where one can't be had.
 */
export async function ensureServices(options: EnsureOptions = {}): Promise<Services> {
  const { folder = usualFolder(), say = () => {}, kinds = serverKinds } = options;
  const release = await lockFolder(folder, say);
  try {
    const services: Service[] = [];
    if (options.install === true) await installMissing(kinds, say);
    for (const kind of kinds) {
      const found = await findService(kind, folder, options.onlyPrivate);
      services.push("url" in found ? found : await startService(kind, folder, found.refusal, say));
    }
    return describe(kinds, services, folder);
  } finally {
    await release();
  }
}

/** What there is, without starting anything: the services that can be used, and the names of those that can't. */
export async function lookAtServices(folder: string): Promise<Services & { missing: string[] }> {
  const found = await Promise.all(serverKinds.map((kind) => findService(kind, folder)));
  const services = found.filter((service) => "url" in service);
  const missing = serverKinds.filter((_, index) => !("url" in found[index]!)).map(({ name }) => name);
  return { ...describe(serverKinds, services, folder), missing };
}

/** Ends the private servers in `folder` and deletes what they kept. */
export async function stopServices(
  folder: string,
  say: (sentence: string) => void,
  kinds: readonly ServerKind[] = serverKinds,
): Promise<void> {
  const release = await lockFolder(folder, say);
  try {
    for (const kind of kinds) {
      const server = await privateServer(kind, folder);
      if (server === null) continue;
      say(`stopping the private ${kind.name}…`);
      await server.stop();
      await server.remove();
    }
  } finally {
    await release();
  }
}

function describe(kinds: readonly ServerKind[], services: Service[], folder: string): Services {
  const environment: Record<string, string> = {};
  for (const { id, url, origin } of services) {
    const kind = kinds.find((one) => one.id === id)!;
    environment[kind.variable] = url;
    if (origin === "private") Object.assign(environment, kind.environment?.(join(folder, id)));
  }
  return { services, nginx: findProgram("nginx"), bubblewrap: findProgram("bwrap"), environment };
}

/** The private server that was started in `folder` before. */
async function privateServer(kind: ServerKind, folder: string): Promise<PrivateServer | null> {
  const own = join(folder, kind.id);
  return existsSync(join(own, "instance.json")) ? openPrivateServer(kind, own) : null;
}

/** Runs the one who came first, and lets the others wait: they will find what it started. */
async function lockFolder(folder: string, say: (sentence: string) => void): Promise<() => Promise<void>> {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const owner = statSync(folder).uid;
  if (process.getuid !== undefined && owner !== process.getuid()) {
    throw new Error(`${folder} belongs to another user. Name another folder with --folder.`);
  }
  const until = performance.now() + waitForOthersMs;
  for (let attempt = 0; ; attempt++) {
    try {
      return await takeFolderLock(folder);
    } catch (error) {
      if ((error as { code?: string }).code !== "storage_locked" || performance.now() > until) throw error;
      if (attempt === 0) say("Somebody else is looking after the services; waiting…");
      await pause(200);
    }
  }
}

/** A service that can be used as things stand, or why there is none at the usual place. */
async function findService(
  kind: ServerKind,
  folder: string,
  onlyPrivate = false,
): Promise<Service | { refusal: string }> {
  const { id, name } = kind;
  const url = process.env[kind.variable] ?? kind.usualUrl;
  const refusal = onlyPrivate ? "a private one was asked for" : await foundRefusal(kind, url);
  if (refusal === null) return { id, name, url, origin: "found" };
  const own = await privateServer(kind, folder);
  if (own?.isRunning() === true && (await kind.refusal(own.url)) === null) {
    return { id, name, url: own.url, origin: "private" };
  }
  return { refusal };
}

async function startService(
  kind: ServerKind,
  folder: string,
  refusal: string,
  say: (sentence: string) => void,
): Promise<Service> {
  const { id, name } = kind;
  if (process.env[kind.variable] !== undefined) {
    throw new Error(`${name} can't be used where ${kind.variable} says it is: ${refusal}.`);
  }
  const obstacle = kind.obstacle();
  if (obstacle !== null) {
    throw new Error(`${name} is needed, and ${obstacle}. ${howToInstall(kind.packages)}`);
  }
  say(`starting a private ${name} (${refusal})…`);
  const server = await openPrivateServer(kind, join(folder, id));
  await server.start();
  return { id, name, url: server.url, origin: "private" };
}

async function foundRefusal(kind: ServerKind, url: string): Promise<string | null> {
  const refusal = await kind.refusal(url);
  if (refusal !== null || kind.managementRefusal === undefined) return refusal;
  // Root manages whatever runs here, and whoever named a tool has one.
  if (process.getuid?.() === 0 || process.env.MUSTER_TEST_RABBITMQCTL !== undefined) return null;
  return kind.managementRefusal();
}

const howToInstall = (packages: readonly string[]): string =>
  `On Debian or Ubuntu: sudo apt-get install ${packages.join(" ")}. As root, \`npm run services -- --install\` does that.`;

async function installMissing(kinds: readonly ServerKind[], say: (sentence: string) => void): Promise<void> {
  const missing: string[] = [];
  for (const kind of kinds) {
    const configured = process.env[kind.variable] !== undefined;
    if (!configured && kind.obstacle() !== null) missing.push(...kind.packages);
  }
  for (const [program, debianPackage] of programs) {
    if (findProgram(program) === null) missing.push(debianPackage);
  }
  if (missing.length === 0) return;
  const aptGet = findProgram("apt-get");
  if (process.getuid?.() !== 0 || aptGet === null) {
    say(`Only root can install, with apt-get. ${howToInstall(missing)}`);
    return;
  }
  say(`installing ${missing.join(", ")}…`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const run = (...argv: string[]) => spawnSync(aptGet, argv, { env, encoding: "utf8" });
  run("update");
  const { status, stderr } = run("install", "-y", "--no-install-recommends", ...missing);
  // What could not be installed is missed by name where it is needed.
  if (status !== 0) say(`apt-get failed: ${stderr.trim()}`);
}
