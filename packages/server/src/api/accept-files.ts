import { MusterError } from "@muster/sdk/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The body is a file of any type: it is not read before the route does. */
    takesFile?: boolean;
  }
}

/** Lets the routes of this scope take files. Others go on to take JSON and nothing else. */
export function acceptFiles(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", async () => undefined);
}

/**
 * The file in a request, as it arrives. A connection that ends before the file does is the client's fault. Who leaves
 * it before its end leaves the rest to whoever answers: a request that was destroyed reads nothing any more.
 */
export async function* fileOf({ raw }: FastifyRequest): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of raw.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array;
  } catch (cause) {
    throw new MusterError("invalid_request", "The connection ended before the content did.", {
      hint: "Nothing was stored. Send it again.",
      cause,
    });
  }
}
