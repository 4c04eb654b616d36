import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { openPrivateServer, type PrivateServer } from "../../../scripts/services/private-server.ts";
import type { ServerKind } from "../../../scripts/services/server-kind.ts";
import { serverKinds } from "../../../scripts/services/server-kinds.ts";
import { guardGroups } from "../../support/guard.ts";
import { temporaryFolder } from "../../support/processes.ts";

const run = promisify(execFile);

export type ServerId = Exclude<ServerKind["id"], "s3">;
const ownKinds = serverKinds.filter(({ id }) => id !== "s3");
export const serverIds: readonly ServerId[] = ["postgresql", "rabbitmq", "redis"];

/** What one cluster has for itself on the servers, by their addresses. */
export interface Place {
  urls: Record<ServerId, string>;
  /** Begins every key in Redis. */
  prefix: string;
  vhost: string;
}

/** The servers of a test file: its own, so that it can kill them. */
export interface Servers extends Record<ServerId, PrivateServer> {
  /** An empty database, an empty virtual host and a prefix that nobody used. */
  createPlace(): Promise<Place>;
  /** Makes a virtual host, as after RabbitMQ lost everything. */
  createVhost(name: string): Promise<void>;
  /** Asks RabbitMQ through its own tool. */
  rabbitmqctl(...argv: string[]): Promise<string>;
  remove(): Promise<void>;
}

async function startServer(kind: ServerKind, folder: string): Promise<PrivateServer> {
  const obstacle = kind.obstacle();
  if (obstacle !== null)
    throw new Error(`${kind.name} is needed, and ${obstacle}: ${kind.packages.join(" ")}`);
  const server = await openPrivateServer(kind, join(folder, kind.id));
  await server.start();
  return server;
}

/** Kills the server when this process dies, through every restart of the server. */
function guarded(server: PrivateServer): PrivateServer {
  let callOff = guardGroups(server.groups());
  return {
    ...server,
    async start() {
      await server.start();
      callOff();
      callOff = guardGroups(server.groups());
    },
    async remove() {
      await server.remove();
      callOff();
    },
  };
}

export async function startServers(): Promise<Servers> {
  const folder = temporaryFolder();
  // PostgreSQL's own user has to reach its folder through this one.
  mkdirSync(folder, { recursive: true });
  await promisify(execFile)("chmod", ["755", folder]);
  const started = await Promise.all(
    ownKinds.map(async (kind) => [kind.id, guarded(await startServer(kind, folder))] as const),
  );
  const servers = Object.fromEntries(started) as Record<ServerId, PrivateServer>;
  const control = servers.rabbitmq.kind.environment!(servers.rabbitmq.folder).MUSTER_TEST_RABBITMQCTL!;
  const rabbitmqctl = async (...argv: string[]) => (await run(control, ["-q", ...argv])).stdout;

  async function createVhost(name: string): Promise<void> {
    await rabbitmqctl("add_vhost", name);
    await rabbitmqctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*");
  }

  async function createPlace(): Promise<Place> {
    const name = `muster_${randomBytes(4).toString("hex")}`;
    const client = new pg.Client({ connectionString: servers.postgresql.url });
    await client.connect();
    await client.query(`create database ${name}`);
    await client.end();
    await createVhost(name);
    const at = (id: ServerId, path: string) =>
      Object.assign(new URL(servers[id].url), { pathname: path }).href;
    return {
      urls: { postgresql: at("postgresql", name), rabbitmq: at("rabbitmq", name), redis: servers.redis.url },
      prefix: name,
      vhost: name,
    };
  }

  return {
    ...servers,
    createPlace,
    createVhost,
    rabbitmqctl,
    remove: async () => void (await Promise.all(serverIds.map((id) => servers[id].remove()))),
  };
}
