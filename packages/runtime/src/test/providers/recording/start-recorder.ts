import { open } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { canonicalPath, digestOf } from "./canonical-request.ts";
import { type Exchange, formatExchange } from "./exchange.ts";
import { scrubChunks, scrubTree, scrubWith } from "./scrub-exchange.ts";

export interface RecorderOptions {
  /** Where each name leads: `{anthropic: "https://api.anthropic.com/v1"}`. Nothing is sent anywhere else. */
  targets: Readonly<Record<string, string>>;
  /** A file that is not there yet; nobody else may read it. */
  file: string;
  /** Values that must not get into the file, beside the keys that requests carry. */
  secrets?: readonly string[];
  /** 0: any that is free. */
  port?: number;
  /** Told of what could not be recorded. */
  onProblem?: (message: string) => void;
}

export interface Recorder {
  url: string;
  /** The base address of a provider, for whoever is to be recorded. */
  baseURL(provider: string): string;
  /** Exchanges that are in the file. */
  recorded(): number;
  close(): Promise<void>;
}

const mostExchanges = 10_000;
const mostRequestBytes = 16 * 1024 * 1024;
const mostAnswerBytes = 64 * 1024 * 1024;
/** Longest time that one answer takes, from the request to its last piece. */
const mostMs = 20 * 60_000;

/**
 * Stands between a client and providers of models, hands on what each says and writes it down: a line for each request and
 * its answer, piece by piece as it came. Keys pass through to the provider and are not written. It listens on this
 * machine only, and follows no redirect, which would take the key elsewhere.
 */
export async function startRecorder(options: RecorderOptions): Promise<Recorder> {
  const { targets, onProblem = () => {} } = options;
  const file = await open(options.file, "ax", 0o600);
  let [asked, recorded] = [0, 0];
  let writing: Promise<unknown> = Promise.resolve();
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      onProblem(`A request was not recorded: ${said(error)}`);
      if (response.headersSent) return void response.destroy();
      refuse(response, 502, said(error));
    });
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = addressOf(request.url ?? "/", targets);
    if (address === null)
      return refuse(response, 404, `The recorder knows ${Object.keys(targets).join(", ")}.`);
    const number = ++asked;
    if (number > mostExchanges) throw new Error(`A recording has at most ${mostExchanges} exchanges.`);
    const body = await readBody(request);
    const answer = await ask(request, address.target, body, response);
    const came = await handOn(answer, response);
    // Who left did not hear the end, and it is not the provider's that is missing.
    if (came === null) return onProblem("A request was not recorded: the client left.");
    const exchange = describe({ ...address, request, body, answer, ...came, number });
    writing = writing.then(() => file.appendFile(formatExchange(exchange)));
    await writing;
    recorded += 1;
    finish(response, came.end);
  }

  function describe(from: Heard): Exchange {
    const { number, provider, path, request, body, answer, pieces, end } = from;
    const scrub = scrubWith([...keysOf(request), ...(options.secrets ?? [])]);
    const document = scrubTree(JSON.parse(body.toString("utf8")), scrub);
    return {
      ...{ number, provider, path, digest: digestOf(path, document), request: document },
      ...{ status: answer.status, headers: headersThatMatter(answer.headers) },
      ...{ chunks: scrubChunks(pieces, scrub), end },
    };
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    baseURL: (provider) => `${url}/${provider}/v1`,
    recorded: () => recorded,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await writing.catch(() => undefined);
      await file.close();
    },
  };
}

interface Address {
  provider: string;
  /** As the client asked for it, without what is not the provider's to know again. */
  path: string;
  target: string;
}

interface Came {
  pieces: Buffer[];
  end: Exchange["end"];
}

interface Heard extends Address, Came {
  number: number;
  request: IncomingMessage;
  body: Buffer;
  answer: Response;
}

/** `/NAME/v1/messages` is `/messages` behind the address of that name. */
function addressOf(url: string, targets: RecorderOptions["targets"]): Address | null {
  const { pathname, search } = new URL(url, "http://host");
  const [, provider = "", version, ...rest] = pathname.split("/");
  if (version !== "v1" || rest.length === 0 || !Object.hasOwn(targets, provider)) return null;
  const target = `${targets[provider]?.replace(/\/$/, "")}/${rest.join("/")}${search}`;
  return { provider, path: canonicalPath(`/v1/${rest.join("/")}${search}`), target };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request) {
    bytes += (piece as Buffer).length;
    if (bytes > mostRequestBytes) throw new Error(`A request has at most ${mostRequestBytes} bytes.`);
    pieces.push(piece as Buffer);
  }
  return Buffer.concat(pieces);
}

/** Those that are about a connection, and those that the recorder sets itself. */
const ownHeaders = new Set([
  ...["host", "connection", "content-length", "transfer-encoding", "keep-alive", "upgrade", "te", "expect"],
  ...["accept-encoding", "proxy-authorization", "proxy-connection"],
]);

async function ask(
  { method = "POST", headers }: IncomingMessage,
  target: string,
  body: Buffer,
  response: ServerResponse,
): Promise<Response> {
  const passed = Object.entries(headers).filter(([name]) => !ownHeaders.has(name));
  const left = new AbortController();
  response.once("close", () => left.abort());
  return fetch(target, {
    method,
    headers: {
      ...Object.fromEntries(passed.map(([name, value]) => [name, String(value)])),
      // A body that is packed could not be read in a recording.
      "accept-encoding": "identity",
    },
    body: new Uint8Array(body),
    redirect: "manual",
    signal: AbortSignal.any([left.signal, AbortSignal.timeout(mostMs)]),
  });
}

/** Passes an answer on as it comes. Null: the client does not want it any more. */
async function handOn(answer: Response, response: ServerResponse): Promise<Came | null> {
  response.writeHead(answer.status, headersThatMatter(answer.headers));
  response.flushHeaders();
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of answer.body ?? []) {
      bytes += piece.byteLength;
      if (bytes > mostAnswerBytes) throw new TooLong();
      pieces.push(Buffer.from(piece));
      await new Promise<void>((resolve) => response.write(piece, () => setImmediate(resolve)));
    }
  } catch (error) {
    if (error instanceof TooLong) throw error;
    return response.destroyed ? null : { pieces, end: "cut" };
  }
  return { pieces, end: "whole" };
}

class TooLong extends Error {
  constructor() {
    super(`An answer has at most ${mostAnswerBytes} bytes.`);
  }
}

/** The client sees the end only when it is written down, so that who saw it finds it in the file. */
function finish(response: ServerResponse, end: Exchange["end"]): void {
  if (end === "cut") response.destroy();
  else response.end();
}

const kept = ["content-type", "retry-after", "retry-after-ms", "x-should-retry"];

const headersThatMatter = (headers: Headers): Record<string, string> =>
  Object.fromEntries(
    kept.flatMap((name) => {
      const value = headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );

/** Where clients put their keys. */
function keysOf({ headers, url = "/" }: IncomingMessage): string[] {
  const given = ["authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie"].map(
    (name) => headers[name],
  );
  const key = new URL(url, "http://host").searchParams.get("key");
  return [...given, key]
    .filter((value) => typeof value === "string")
    .flatMap((value) => [value, value.replace(/^\w+ /, "")]);
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ error: { message } }));
}

const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));
