import { limits, MusterError } from "../protocol/index.ts";
import type { Clock } from "../time/clock.ts";
import { errorOfResponse, parseJson } from "./problem-of.ts";
import { unreachable } from "./server-url.ts";
import { isAway, type Servers } from "./servers.ts";

export interface HttpCall {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  /** Told the headers of the answer. */
  onHeaders?: (headers: Headers) => void;
  token: string;
  signal?: AbortSignal | undefined;
  /** Time that the server may take by our own wish, as in a long poll; comes on top of the usual limit. */
  waitMs?: number;
}

export type HttpCaller = (call: HttpCall) => Promise<unknown>;

export interface HttpCallerOptions {
  servers: Servers;
  fetch: typeof globalThis.fetch;
  clock: Clock;
}

/** Longest time for an answer, beside what the call asked the server to wait. */
const answerMs = 30_000;

/**
 * One HTTP exchange with JSON on both sides; after a failure the next call goes to another server. Everything that can go wrong becomes a `MusterError`, but for an
 * abort by the caller's signal, which rejects with the signal's own reason.
 */
export const createHttpCaller =
  (options: HttpCallerOptions): HttpCaller =>
  async (call) => {
    const serverUrl = options.servers.current;
    try {
      return await callServer(serverUrl, options, call);
    } catch (error) {
      if (isAway(error)) options.servers.failed(serverUrl);
      throw error;
    }
  };

const callServer = async (serverUrl: string, options: HttpCallerOptions, call: HttpCall) => {
  const { status, ok, text } = await exchange(serverUrl, options, call);
  if (!ok) throw errorOfResponse(serverUrl, status, text);
  const parsed = parseJson(text);
  if (parsed !== undefined) return parsed;
  throw new MusterError("internal", `${serverUrl} answered with something that is not JSON.`, {
    hint: "Check that this is the address of a Muster server.",
  });
};

const exchange = async (serverUrl: string, { fetch, clock }: HttpCallerOptions, call: HttpCall) => {
  const body = call.body === undefined ? undefined : encodeBody(call.body);
  call.signal?.throwIfAborted();
  const abort = new AbortController();
  const onAbort = () => abort.abort(call.signal?.reason);
  call.signal?.addEventListener("abort", onAbort, { once: true });
  const limitMs = answerMs + (call.waitMs ?? 0);
  const timer = clock.setTimer(limitMs, () => abort.abort(new Error(`no answer within ${limitMs} ms`)));
  try {
    const response = await fetch(serverUrl + call.path + queryText(call.query), {
      method: call.method,
      headers: {
        authorization: `Bearer ${call.token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...call.headers,
      },
      signal: abort.signal,
      ...(body === undefined ? {} : { body }),
    });
    call.onHeaders?.(response.headers);
    return { status: response.status, ok: response.ok, text: await response.text() };
  } catch (error) {
    if (call.signal?.aborted) throw call.signal.reason;
    throw unreachable(serverUrl, abort.signal.aborted ? abort.signal.reason : error);
  } finally {
    timer.cancel();
    call.signal?.removeEventListener("abort", onAbort);
  }
};

/** JSON within the limit of a request body: refused here, since a server cuts the connection on longer ones. */
export const encodeBody = (body: unknown): string => {
  const text = encodeJson(body);
  const bytes = Buffer.byteLength(text);
  if (bytes <= limits.bodyBytes) return text;
  throw new MusterError(
    "payload_too_large",
    `The request has ${bytes} bytes; ${limits.bodyBytes} are allowed.`,
    {
      hint: "Send less at once, or hand over large data by reference.",
    },
  );
};

const encodeJson = (body: unknown): string => {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    throw new MusterError("invalid_request", `The request is not JSON: ${(cause as Error).message}.`, {
      cause,
    });
  }
};

export const queryText = (query: HttpCall["query"] = {}): string => {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    parameters.set(name, Array.isArray(value) ? value.join(",") : String(value));
  }
  return parameters.size === 0 ? "" : `?${parameters}`;
};
