import { MusterError } from "@muster/sdk/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { parseJson } from "./parse-json.ts";

/** Takes JSON bodies and no others. What is wrong with one is said precisely; see `parseJson`. */
export function acceptJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  acceptJsonTypes(app, ["application/json"]);
  app.addHook("preValidation", async (request) => {
    if (request.routeOptions.config.takesFile === true) return;
    if (request.routeOptions.schema?.body === undefined && !isEmpty(request.body)) throw bodyNotWanted();
  });
}

/** Takes these types too, which are JSON by other names. */
export function acceptJsonTypes(app: FastifyInstance, types: string[]): void {
  app.addContentTypeParser(types, { parseAs: "buffer" }, async (request: FastifyRequest, body: Buffer) => {
    refuseOtherEncodings(request);
    return body.length === 0 ? undefined : parseJson(body);
  });
}

function refuseOtherEncodings(request: FastifyRequest): void {
  const { headers, rawHeaders } = request.raw;
  if (rawHeaders.filter((name, index) => index % 2 === 0 && /^content-type$/i.test(name)).length > 1) {
    throw unsupported("The request names its content type more than once.");
  }
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(headers["content-type"] ?? "")?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw unsupported("The body is not UTF-8, by its own content type.");
  }
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw unsupported("Compressed bodies are not accepted.");
  }
}

const unsupported = (sentence: string): MusterError =>
  new MusterError("unsupported_media_type", sentence, {
    hint: "Send plain JSON in UTF-8 with one header: content-type: application/json.",
  });

const isEmpty = (body: unknown): boolean =>
  body === undefined || body === null || (typeof body === "object" && Object.keys(body).length === 0);

const bodyNotWanted = (): MusterError =>
  new MusterError("invalid_request", "This request takes no body.", {
    hint: "Leave the body out, or send {}.",
  });
