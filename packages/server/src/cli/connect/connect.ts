import { existsSync } from "node:fs";
import type { Client } from "@muster/sdk";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { dataDirOf, readServerFile } from "./read-server-file.ts";

/** The options by which every command that speaks to a server finds it. */
export interface ConnectOptions {
  server?: string;
  dataDir?: string;
}

export interface ServerAddress {
  url: string;
  apiKey: string;
  /** The server runs on this machine and sees the same files. */
  local: boolean;
  /** Where the address comes from, for people. */
  source: "--server" | "MUSTER_URL" | "server.json";
}

export interface Connection {
  client: Client;
  /** False where the command opened the store itself: nothing is carried out meanwhile. */
  served: boolean;
  close(): Promise<void>;
}

/** The running server, by `--server`, MUSTER_URL or the data folder; undefined where there is none. */
export function findServer(context: CliContext, options: ConnectOptions): ServerAddress | undefined {
  const file = readServerFile(context, options.dataDir);
  const source = options.server !== undefined ? "--server" : "MUSTER_URL";
  const named = options.server ?? (context.env.MUSTER_URL || undefined);
  if (named === undefined) {
    if (!file) return undefined;
    return {
      url: file.url,
      apiKey: context.env.MUSTER_API_KEY || file.key,
      local: true,
      source: "server.json",
    };
  }
  const url = checkUrl(named, source);
  const apiKey = context.env.MUSTER_API_KEY || (file && sameOrigin(file.url, url) ? file.key : undefined);
  if (apiKey === undefined) {
    throw new CliError(`there is no API key for ${url}`, {
      hint: "Set MUSTER_API_KEY. The first `muster up` prints an admin key; `muster keys create` makes more.",
    });
  }
  return { url, apiKey, local: context.isThisMachine(new URL(url).hostname), source };
}

function checkUrl(text: string, source: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol)) {
    throw new CliError(`${source} is not the address of a server: ${text}`, {
      hint: "Write it like http://localhost:6878.",
    });
  }
  return url.href.replace(/\/+$/, "");
}

function sameOrigin(one: string, other: string): boolean {
  const port = (url: URL) => url.port || (url.protocol === "https:" ? "443" : "80");
  const [a, b] = [new URL(one), new URL(other)];
  const host = (url: URL) => (url.hostname === "localhost" ? "127.0.0.1" : url.hostname);
  return a.protocol === b.protocol && host(a) === host(b) && port(a) === port(b);
}

/** A client of the running server; an error that says how to start one where there is none. */
export async function connect(context: CliContext, options: ConnectOptions): Promise<Connection> {
  const address = findServer(context, options);
  if (!address) throw noServer();
  const client = await context.createClient({ url: address.url, apiKey: address.apiKey });
  return { client, served: true, close: async () => undefined };
}

/**
 * Like `connect`, but where no server runs it opens the store in the data folder for the time of the
 * command, so that what `muster run` left behind can be looked at and cleared up. No agent is started.
 */
export async function connectOrOpen(context: CliContext, options: ConnectOptions): Promise<Connection> {
  if (findServer(context, options)) return connect(context, options);
  const dataDir = dataDirOf(context, options.dataDir);
  if (!existsSync(dataDir)) throw noServer();
  context.stderr.write(
    context.stderr.colors.dim(`no server is running; opening the store in ${options.dataDir ?? ".muster"}…`) +
      "\n",
  );
  const muster = await context.startMuster({
    dataDir,
    listen: false,
    builtinAgents: false,
    logLevel: "silent",
  });
  return { client: muster.client, served: false, close: () => muster.stop() };
}

/** Does `work` with a connection and lets go of it, however the work ends. */
export async function withConnection<T>(
  opening: Promise<Connection>,
  work: (client: Client, connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await opening;
  try {
    return await work(connection.client, connection);
  } finally {
    await connection.close();
  }
}

function noServer(): CliError {
  return new CliError("no Muster server is running here", {
    hint: "Start one with `muster up`, or name one with --server URL or MUSTER_URL.",
    exitCode: exitCodes.failed,
  });
}
