import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { limits, MusterError, type Problem } from "@muster/sdk/protocol";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { answerEarly, isEarly } from "./answer-early.ts";

/** Media type of every error that this API answers with (RFC 9457). */
export const problemType = "application/problem+json";

/** Makes every error of an HTTP request a problem document. Nothing else answers with an error. */
export function answerWithProblems(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => sendProblem(reply, operationalError(error, request)));
  app.setNotFoundHandler((request) => {
    throw new MusterError("not_found", `There is nothing at ${request.method} ${shortPath(request.url)}.`, {
      hint: "The API lives under /v1; /openapi.json lists all of it.",
    });
  });
}

export function sendProblem(reply: FastifyReply, error: MusterError): FastifyReply {
  const problem = error.toProblem();
  if (problem.status === 401) reply.header("www-authenticate", 'Bearer realm="muster"');
  if (problem.status === 503) {
    if (!reply.hasHeader("retry-after")) reply.header("retry-after", "1");
    // Who comes again on this connection comes to this node, whatever stands in between.
    reply.header("connection", "close");
  }
  const body = JSON.stringify(problem);
  reply.code(problem.status).type(problemType);
  const { raw } = reply.request;
  if (!isEarly(raw)) return reply.send(body);
  reply.header("connection", "close").header("content-length", Buffer.byteLength(body));
  return reply.send(answerEarly(raw, body));
}

/**
 * The operational error behind whatever was thrown. Anything that nobody expected is logged with the id of
 * the request and becomes `internal`, which tells the id and nothing else.
 */
export function operationalError(error: unknown, request: FastifyRequest): MusterError {
  if (error instanceof MusterError) return error;
  const known = fromFastify(error as Partial<FastifyError>);
  if (known !== undefined) return known;
  request.log.error({ err: error }, "a request failed in a way that nobody expected");
  return new MusterError("internal", `Something went wrong inside Muster. The request was ${request.id}.`, {
    hint: "Look for this request id in the server's log. The fault is Muster's, not the request's.",
  });
}

function fromFastify(error: Partial<FastifyError>): MusterError | undefined {
  switch (error.code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new MusterError("payload_too_large", `The body has more than ${limits.bodyBytes} bytes.`, {
        hint: "Hand in fewer things at once, or keep large data elsewhere and send its address.",
      });
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new MusterError("unsupported_media_type", "The body is not declared as JSON.", {
        hint: "Send one header content-type: application/json.",
      });
    case "FST_ERR_BAD_URL":
      return new MusterError("invalid_request", "The address holds a percent sign that encodes nothing.", {
        hint: "Encode a percent sign as %25.",
      });
    default:
      return isClientsFault(error) ? requestUnreadable(error) : undefined;
  }
}

/** Fastify and Node mark what the client did wrong with a status; errors of our own code carry none. */
const isClientsFault = (error: Partial<FastifyError>): boolean =>
  typeof error.statusCode === "number" && error.statusCode >= 400 && error.statusCode < 500;

const requestUnreadable = (error: Partial<FastifyError>): MusterError =>
  new MusterError("invalid_request", `The request could not be read: ${error.message ?? "unknown reason"}.`);

const shortPath = (url: string): string => {
  const path = url.split("?", 1)[0] ?? "";
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
};

const rawProblems: Record<string, { status: number; detail: string }> = {
  HPE_HEADER_OVERFLOW: { status: 431, detail: "The headers of the request are too large." },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: "The request did not arrive in time." },
};

/** Answers what Node could not even read as an HTTP request. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const known = rawProblems[error.code ?? ""];
  const { status, detail } = known ?? { status: 400, detail: "This is not a valid HTTP/1.1 request." };
  const problem: Problem = {
    type: "urn:muster:invalid_request",
    title: "invalid request",
    status,
    code: "invalid_request",
    detail,
    retryable: false,
  };
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}\r\ncontent-type: ${problemType}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
