import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { TaskContext } from "@muster/sdk";
import { configuredDefaults, type HttpAgent } from "./configured-agent.ts";
import { type Environment, fillVariables } from "./fill-variables.ts";
import { guardedLookup } from "./guarded-lookup.ts";
import { WorkError } from "./work-error.ts";

interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  body: string;
}

/** Characters of an answer that an error shows. */
const shownAnswer = 500;
const redirectStatuses = new Set([307, 308]);
const passingStatuses = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Does a task by asking an HTTP endpoint: the input is the JSON body of a POST, the JSON of the answer is the output. */
export async function callEndpoint(
  agent: HttpAgent,
  context: TaskContext,
  env: Environment,
): Promise<unknown> {
  const headers = headersOf(agent, context, env);
  const body = JSON.stringify(context.input ?? null);
  const { timeoutMs } = { ...configuredDefaults, ...agent };
  const slow = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([context.signal, slow]);
  try {
    const answer = await follow(agent, headers, body, signal);
    if (answer.status < 200 || answer.status > 299) throw refusalOf(answer);
    if (answer.body.trim() === "") return null;
    return parse(answer.body);
  } catch (error) {
    context.signal.throwIfAborted();
    if (slow.aborted) throw new WorkError("timeout", `The endpoint took longer than ${timeoutMs} ms.`);
    throw error;
  }
}

function headersOf(agent: HttpAgent, context: TaskContext, env: Environment): Record<string, string> {
  const own = Object.entries(agent.headers ?? {}).map(([name, value]) => [
    name.toLowerCase(),
    fillVariables(value, env),
  ]);
  return {
    accept: "application/json",
    "idempotency-key": context.taskId,
    "muster-task-id": context.taskId,
    "muster-capability": context.capability ?? "",
    ...(Object.fromEntries(own) as Record<string, string>),
    "content-type": "application/json",
  };
}

async function follow(
  agent: HttpAgent,
  headers: Record<string, string>,
  body: string,
  signal: AbortSignal,
): Promise<Answer> {
  let url = new URL(agent.url);
  for (let left = agent.redirects ?? 0; ; left--) {
    const answer = await post(url, agent, headers, body, signal);
    const { location } = answer.headers;
    if (answer.status < 300 || answer.status > 399 || location === undefined) return answer;
    const next = URL.canParse(location, url.href) ? new URL(location, url) : null;
    const why =
      next === null || next.origin !== url.origin
        ? "to another origin, which is never followed"
        : left <= 0 || !redirectStatuses.has(answer.status)
          ? 'and that is not followed; see "redirects"'
          : null;
    if (why !== null)
      throw new WorkError("redirected", `The endpoint redirects ${why}.`, { retryable: false });
    url = next as URL;
  }
}

function post(
  url: URL,
  agent: HttpAgent,
  headers: Record<string, string>,
  body: string,
  signal: AbortSignal,
): Promise<Answer> {
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  const length = Buffer.byteLength(body);
  return new Promise((resolve, reject) => {
    const sent: ClientRequest = request(
      url,
      {
        method: "POST",
        headers: { ...headers, "content-length": length },
        signal,
        lookup: guardedLookup(agent.privateAddresses === true),
      },
      (response) =>
        read(response, agent.maxOutputBytes ?? configuredDefaults.maxOutputBytes).then(resolve, reject),
    );
    sent.on("error", (error) => reject(asWorkError(error)));
    sent.end(body);
  });
}

async function read(response: IncomingMessage, mostBytes: number): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) {
      response.destroy();
      throw new WorkError("output_too_large", `The endpoint answered with more than ${mostBytes} bytes.`, {
        retryable: false,
      });
    }
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks).toString("utf8");
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (error) {
    throw new WorkError("invalid_output", `The endpoint's answer is not JSON: ${(error as Error).message}`);
  }
}

/** What an answer that is no success says of trying again. */
export function refusalOf({ status, headers, body }: Answer): WorkError {
  const retryAfterMs = retryAfterOf(headers["retry-after"], Date.now());
  const excerpt = body.trim().slice(0, shownAnswer);
  return new WorkError(
    status === 429 ? "rate_limited" : `http_${status}`,
    `The endpoint answered ${status}${excerpt === "" ? "" : `: ${excerpt}`}`,
    { retryable: passingStatuses.has(status), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  );
}

/** Milliseconds that a `Retry-After` asks for: it is a number of seconds or a date. */
export function retryAfterOf(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** An endpoint that can't be reached can be tried again. */
export const asWorkError = (error: Error): Error =>
  error instanceof WorkError || error.name === "AbortError"
    ? error
    : new WorkError("unreachable", `The endpoint could not be reached: ${error.message}`, {
        retryable: true,
      });
