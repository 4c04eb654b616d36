import { existsSync } from "node:fs";
import type { Client } from "@muster/sdk";
import type { MusterOptions } from "../../main.ts";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { readCliConfig } from "../read-cli-config.ts";
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
export async function findServer(
  context: CliContext,
  options: ConnectOptions,
): Promise<ServerAddress | undefined> {
  const { config } = await readCliConfig(context);
  const file = readServerFile(context, options.dataDir);
  const source = options.server !== undefined ? "--server" : "MUSTER_URL";
  const named = options.server ?? config.url;
  if (named === undefined) {
    if (!file) return undefined;
    return {
      url: file.url,
      apiKey: config.apiKey ?? file.key,
      local: true,
      source: "server.json",
    };
  }
  const url = checkUrls(named, source);
  const apiKey =
    config.apiKey ??
    (file && url.split(",").every((each) => sameOrigin(file.url, each)) ? file.key : undefined);
  if (apiKey === undefined) {
    throw new CliError(`there is no API key for ${url}`, {
      hint: "Set MUSTER_API_KEY. The first `muster up` prints an admin key; `muster keys create` makes more.",
    });
  }
  return {
    url,
    apiKey,
    local: url.split(",").every((each) => context.isThisMachine(new URL(each).hostname)),
    source,
  };
}

/** One address, or several nodes with commas in between. */
const checkUrls = (text: string, source: string): string =>
  text
    .split(",")
    .map((each) => checkUrl(each.trim(), source))
    .join(",");

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
  const address = await findServer(context, options);
  if (!address) throw noServer();
  const client = await context.createClient({ url: address.url, apiKey: address.apiKey });
  return { client, served: true, close: async () => undefined };
}

/**
 * Like `connect`, but where no server runs it opens the store in the data folder for the time of the
 * command, so that what `muster run` left behind can be looked at and cleared up. No agent is started.
 */
export async function connectOrOpen(
  context: CliContext,
  options: ConnectOptions,
  settings: Partial<MusterOptions> = {},
): Promise<Connection> {
  if (await findServer(context, options)) return connect(context, options);
  const dataDir = dataDirOf(context, options.dataDir);
  if (!existsSync(dataDir)) throw noServer();
  context.stderr.write(
    context.stderr.colors.dim(`no server is running; opening the store in ${options.dataDir ?? ".muster"}…`) +
      "\n",
  );
  const muster = await context.startMuster({
    ...settings,
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
