import { type ErrorCode, MusterError, type Problem } from "../protocol/index.ts";

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_request",
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  409: "conflict",
  413: "payload_too_large",
  415: "unsupported_media_type",
  429: "rate_limited",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
};

const isProblem = (value: unknown): value is Problem =>
  typeof value === "object" &&
  value !== null &&
  "code" in value &&
  typeof value.code === "string" &&
  "detail" in value &&
  typeof value.detail === "string";

/** Reads JSON, or gives back undefined: what comes from a server is not trusted to be JSON. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The error in the body of a refused request; where it is no problem document, as from a proxy, by its status. */
export const errorOfResponse = (serverUrl: string, status: number, body: string): MusterError => {
  const parsed = parseJson(body);
  if (isProblem(parsed)) return MusterError.fromProblem(parsed);
  const excerpt = body.slice(0, 200).trim();
  return new MusterError(
    codeOfStatus[status] ?? "internal",
    `${serverUrl} answered with status ${status}${excerpt === "" ? "" : `: ${excerpt}`}.`,
    { hint: `Check that ${serverUrl} is a Muster server and what stands in front of it.` },
  );
};

/** The error in a `problem` member of a WebSocket frame. */
export const errorOfProblem = (problem: unknown): MusterError =>
  isProblem(problem)
    ? MusterError.fromProblem(problem)
    : new MusterError("internal", "The server sent an error that is not a problem document.");
