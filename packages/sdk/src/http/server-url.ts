import { MusterError } from "../protocol/index.ts";

/** The address of a server without a trailing slash; refuses what is no http(s) address. */
export const parseServerUrl = (url: string): string => {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isHttp = parsed?.protocol === "http:" || parsed?.protocol === "https:";
  if (parsed === undefined || !isHttp || parsed.search !== "" || parsed.hash !== "") {
    throw new MusterError("invalid_request", `"${url}" is not the address of a Muster server.`, {
      hint: "Give it as http://host:port or https://host, for example http://localhost:6878.",
    });
  }
  return parsed.href.replace(/\/+$/, "");
};

/** The WebSocket address of a path on the server. */
export const toWebSocketUrl = (serverUrl: string, path: string): string =>
  `${serverUrl.replace(/^http/, "ws")}${path}`;

/** A server that cannot be reached, with the reason as far as it is known. */
export const unreachable = (serverUrl: string, cause: unknown): MusterError =>
  new MusterError("unavailable", `Muster cannot be reached at ${serverUrl}: ${reasonOf(cause)}.`, {
    hint: `Is a server running there? Start one with "muster up", or check the address ${serverUrl}.`,
    cause,
  });

/** fetch hides the reason in `cause`, and a refused connection to several addresses has no message of its own. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const text = error.message.replace(/\.$/, "");
  return text === "" ? (code ?? error.name) : text;
};
