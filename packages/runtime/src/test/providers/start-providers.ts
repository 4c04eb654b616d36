import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import {
  type Answer,
  type AskedRequest,
  createScriptPlayer,
  type Failure,
  isFailure,
  type RawReply,
  type Script,
  type Wire,
} from "./script.ts";
import { speak, type WireFormat } from "./wire.ts";
import { anthropicWire } from "./wires/anthropic.ts";
import { geminiWire } from "./wires/gemini.ts";
import { openaiChatWire } from "./wires/openai-chat.ts";
import { openaiResponsesWire } from "./wires/openai-responses.ts";

/**
 * A server that is every provider of models: it speaks the four formats over HTTP, answers what a script says and
 * remembers what it was asked. The packages of the real providers talk to it through their base addresses, which have
 * the provider's name in them: `http://127.0.0.1:PORT/NAME/v1`. So one server is as many providers as a test wants.
 */
export interface ScriptedProviders {
  /** `http://127.0.0.1:PORT` */
  url: string;
  /** The base address of a provider; any name will do. */
  baseURL(provider: string): string;
  /** All that was asked so far, oldest first. */
  requests: readonly AskedRequest[];
  /** What the script had no reply to; it was answered with 400. */
  unexpected: readonly AskedRequest[];
  /** Plays another script from now on. */
  play(script: Script): void;
  close(): Promise<void>;
}

export interface ScriptedProvidersOptions {
  script: Script;
  /** 0: any that is free. */
  port?: number;
}

const mostRequests = 10_000;

export async function startProviders({
  script,
  port = 0,
}: ScriptedProvidersOptions): Promise<ScriptedProviders> {
  let player = createScriptPlayer(script);
  const requests: AskedRequest[] = [];
  const unexpected: AskedRequest[] = [];
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error));
    });
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: path, search } = new URL(request.url ?? "/", "http://host");
    const wire = wireOf(path);
    if (wire === null || request.method !== "POST") return send(response, 404, { error: "no such path" });
    const body = JSON.parse(await readText(request)) as Record<string, unknown>;
    const format = formats[wire];
    const asked = player.countTry(describe(request, wire, format, { path, search }, body));
    requests.push(asked);
    if (requests.length > mostRequests) throw new Error("more requests than a test should make");
    const reply = await player.replyTo(asked);
    if (reply === null || "unexpected" in reply) {
      unexpected.push(asked);
      const message =
        reply?.unexpected ?? `The script has nothing for turn ${asked.turn} of this conversation.`;
      return send(response, 400, format.failure({ status: 400, message }));
    }
    if ("silent" in reply || "raw" in reply) return sendRaw(request, response, reply);
    if (isFailure(reply)) return sendFailure(response, format, reply);
    return sendAnswer(response, format, asked, reply, String(requests.length));
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    baseURL: (provider) => `${url}/${provider}/v1`,
    requests,
    unexpected,
    play(next) {
      player = createScriptPlayer(next);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const formats: Record<Wire, WireFormat> = {
  anthropic: anthropicWire,
  "openai-responses": openaiResponsesWire,
  "openai-chat": openaiChatWire,
  gemini: geminiWire,
};

function wireOf(path: string): Wire | null {
  if (path.endsWith("/messages")) return "anthropic";
  if (path.endsWith("/responses")) return "openai-responses";
  if (path.endsWith("/chat/completions")) return "openai-chat";
  return /:(stream)?generateContent$/i.test(path) ? "gemini" : null;
}

function describe(
  request: IncomingMessage,
  wire: Wire,
  format: WireFormat,
  { path, search }: { path: string; search: string },
  body: Record<string, unknown>,
): Omit<AskedRequest, "tries"> {
  const read = format.read(body, path);
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)]);
  return {
    ...read,
    provider: path.split("/")[1] ?? "",
    wire,
    path: path.slice(path.indexOf("/", 1)) + search,
    turn: read.messages.filter(({ role }) => role === "assistant").length,
    headers: Object.fromEntries(headers),
    body,
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, status: number, body: unknown, headers: object = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

function sendFailure(response: ServerResponse, format: WireFormat, failure: Failure): void {
  const after = failure.retryAfterSeconds;
  // Gemini has no such header.
  const header = after === undefined || format === geminiWire ? {} : { "retry-after": String(after) };
  send(response, failure.status, format.failure(failure), { ...header, ...failure.headers });
}

async function sendRaw(request: IncomingMessage, response: ServerResponse, reply: RawReply): Promise<void> {
  if ("silent" in reply) {
    if (reply.silent === "cut") request.socket.destroy();
    return;
  }
  response.writeHead(reply.status ?? 200, { "content-type": "text/event-stream", ...reply.headers });
  if (typeof reply.raw === "string") return void response.end(reply.raw);
  for (const piece of reply.raw) await sendPiece(response, piece);
  if (reply.cut) response.destroy();
  else response.end();
}

/** Each piece is on its way before the next, so that they come as they were cut, and a stream that breaks has shown what came before. */
const sendPiece = (response: ServerResponse, piece: string | Uint8Array): Promise<void> =>
  new Promise((resolve) => response.write(piece, () => setImmediate(resolve)));

async function sendAnswer(
  response: ServerResponse,
  format: WireFormat,
  asked: AskedRequest,
  answer: Answer,
  id: string,
): Promise<void> {
  const spoken = speak(answer, asked, id);
  if (!asked.stream) return send(response, 200, format.whole(spoken));
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  const events = format.events(spoken);
  const { broken, pauseMs = 0 } = answer;
  for (const event of events.slice(0, broken?.afterEvents)) {
    if (pauseMs > 0) await pause(pauseMs);
    if (response.destroyed) return;
    await sendPiece(response, event);
  }
  if (broken?.how === "hang") return;
  if (broken?.how === "cut") return void response.destroy();
  response.end(broken?.how === "error" ? format.brokenEvent("The model is overloaded.") : undefined);
}
