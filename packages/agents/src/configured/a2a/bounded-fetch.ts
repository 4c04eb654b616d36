import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { asWorkError, refusalOf } from "../call-endpoint.ts";
import { guardedLookup } from "../guarded-lookup.ts";
import { WorkError } from "../work-error.ts";

export interface FetchBounds {
  /** Sent with every request. They may hold secrets, so they go to the named origins only. */
  headers: () => Record<string, string>;
  /** Where requests may go: what the file names, and nothing that a card or an answer says. */
  origins: ReadonlySet<string>;
  privateAddresses: boolean;
  /** Bytes of one answer. */
  mostBytes: number;
  /** Bytes of one stream of events. */
  mostStreamBytes: number;
}

const notSent = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/**
 * A `fetch` for whoever speaks to a remote agent: to named origins, at addresses of the internet unless others are allowed
 * (checked when the connection is made), without redirects, and no more bytes than said. Statuses that
 * tell of trying again reject with what they tell.
 */
export function createBoundedFetch(bounds: FetchBounds): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (!bounds.origins.has(url.origin)) throw foreignOrigin(url.origin);
    const message = await send(url, init ?? {}, bounds);
    const status = message.statusCode ?? 0;
    const headers = new Headers();
    for (const [name, value] of Object.entries(message.headers)) headers.set(name, String(value));
    if (status >= 300 && status <= 399 && status !== 304) {
      message.destroy();
      throw new WorkError("redirected", "The remote agent redirects, and that is not followed.", {
        retryable: false,
        refused: true,
      });
    }
    const isStream = headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (isStream && status === 200) {
      return new Response(streamOf(bounded(message, bounds.mostStreamBytes)), { status, headers });
    }
    const chunks: Buffer[] = [];
    for await (const chunk of bounded(message, bounds.mostBytes)) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (status > 399 && !isProtocolError(body)) throw refused(status, message, body);
    return new Response(status === 204 || status === 304 ? null : new Uint8Array(body), { status, headers });
  };
}

export const foreignOrigin = (origin: string): WorkError =>
  new WorkError(
    "foreign_origin",
    `The card leads to ${origin}, which the file does not name; "origins" allows that.`,
    { retryable: false, refused: true },
  );

function send(url: URL, init: RequestInit, bounds: FetchBounds): Promise<IncomingMessage> {
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  const given = Object.fromEntries(new Headers(init.headers).entries());
  const body = typeof init.body === "string" ? init.body : "";
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method: init.method ?? "GET",
        headers: { ...bounds.headers(), ...given, "content-length": Buffer.byteLength(body) },
        // A connection of its own: one that was kept would have been checked for another name.
        agent: false,
        lookup: guardedLookup(bounds.privateAddresses),
        ...(init.signal ? { signal: init.signal } : {}),
      },
      resolve,
    );
    sent.on("error", (error) => reject(failureOf(error)));
    sent.end(body);
  });
}

/** Whether the request can have arrived decides whether it may be sent once more. */
function failureOf(error: NodeJS.ErrnoException): Error {
  const failure = asWorkError(error);
  if (!(failure instanceof WorkError)) return failure;
  const refused = failure.code === "private_address" || notSent.has(error.code ?? "");
  const { code, message, retryable } = failure;
  return new WorkError(code, message, { refused, ...(retryable === undefined ? {} : { retryable }) });
}

async function* bounded(message: IncomingMessage, mostBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > mostBytes) {
        throw new WorkError("output_too_large", `The remote agent sent more than ${mostBytes} bytes.`, {
          retryable: false,
        });
      }
      yield chunk;
    }
  } catch (error) {
    throw asWorkError(error as Error);
  } finally {
    message.destroy();
  }
}

const streamOf = (chunks: AsyncGenerator<Buffer>): ReadableStream<Uint8Array> =>
  new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(new Uint8Array(value));
      } catch (error) {
        controller.error(error);
      }
    },
    cancel: async () => void (await chunks.return(undefined)),
  });

/** An error that the protocol itself words is for whoever speaks it. */
function isProtocolError(body: Buffer): boolean {
  try {
    const parsed = JSON.parse(body.toString("utf8")) as {
      jsonrpc?: unknown;
      error?: { details?: unknown };
    } | null;
    return (
      parsed?.error !== undefined && (parsed.jsonrpc !== undefined || Array.isArray(parsed.error.details))
    );
  } catch {
    return false;
  }
}

function refused(status: number, message: IncomingMessage, body: Buffer): WorkError {
  const said = refusalOf({ status, headers: message.headers, body: body.toString("utf8") });
  const { code, retryable, retryAfterMs } = said;
  return new WorkError(status === 401 || status === 403 ? "unauthenticated" : code, said.message, {
    // A gateway that gave up may have passed it on.
    refused: status < 500 || status === 503,
    ...(retryable === undefined ? {} : { retryable }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
