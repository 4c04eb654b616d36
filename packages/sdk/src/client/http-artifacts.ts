import { queryText } from "../http/http-caller.ts";
import { errorOfResponse } from "../http/problem-of.ts";
import { unreachable } from "../http/server-url.ts";
import { type Artifact, type ArtifactEntry, MusterError } from "../protocol/index.ts";
import type { ArtifactAccess } from "./artifact-access.ts";
import type { Page } from "./client.ts";

export interface HttpArtifactsOptions {
  /** Which server to ask, and whom to tell that it did not answer. */
  servers: { readonly current: string; failed(serverUrl: string): void };
  /** Where the artifacts are, such as `/v1/artifacts`. */
  path: string;
  headers: () => Readonly<Record<string, string>>;
  fetch: typeof globalThis.fetch;
}

interface Call {
  method: "GET" | "PUT" | "HEAD" | "DELETE";
  path: string;
  headers?: Record<string, string>;
  body?: AsyncIterable<Uint8Array>;
  signal?: AbortSignal | undefined;
}

/** Artifacts over HTTP, as streams in both directions. */
export const createHttpArtifacts = (options: HttpArtifactsOptions): ArtifactAccess => {
  const send = createSend(options);
  const pathOf = (key: string) => `${options.path}/${key.split("/").map(encodeURIComponent).join("/")}`;
  return {
    async put(key, body, { contentType, sha256, signal } = {}) {
      const digest = sha256 === undefined ? undefined : Buffer.from(sha256, "hex").toString("base64");
      const headers = {
        "content-type": contentType ?? "application/octet-stream",
        ...(digest === undefined ? {} : { "content-digest": `sha-256=:${digest}:` }),
      };
      const answer = await send({ method: "PUT", path: pathOf(key), headers, body, signal });
      return (await answer.json()) as Artifact;
    },
    async get(key, { range, signal } = {}) {
      const headers = range && { range: `bytes=${range.start}-${range.end}` };
      const answer = await send({ method: "GET", path: pathOf(key), ...(headers && { headers }), signal });
      return { artifact: artifactOf(key, answer.headers), body: contentOf(answer, options, signal) };
    },
    async head(key) {
      const answer = await send({ method: "HEAD", path: pathOf(key) });
      return artifactOf(key, answer.headers);
    },
    async list(filter = {}) {
      const answer = await send({ method: "GET", path: `${options.path}${queryText(filter)}` });
      return (await answer.json()) as Page<ArtifactEntry>;
    },
    async delete(key) {
      await send({ method: "DELETE", path: pathOf(key) });
    },
  };
};

/** One exchange up to the head of a good answer. What the body throws is passed on as it is. */
const createSend =
  ({ servers, headers, fetch }: HttpArtifactsOptions) =>
  async ({ method, path, body, signal, ...call }: Call): Promise<Response> => {
    signal?.throwIfAborted();
    const serverUrl = servers.current;
    const broken = new AbortController();
    let failure: { error: unknown } | undefined;
    const passedOn = async function* () {
      try {
        yield* body as AsyncIterable<Uint8Array>;
      } catch (error) {
        failure = { error };
        // Without this, fetch waits for a body that never goes on.
        broken.abort(error);
        throw error;
      }
    };
    // Where fetch could have to send it once more, for a redirect, it keeps all of a body in memory.
    const once = { duplex: "half", redirect: "error", window: null };
    const stream = body === undefined ? {} : { body: passedOn(), ...once };
    let answer: Response;
    try {
      answer = await fetch(serverUrl + path, {
        method,
        headers: { ...headers(), ...call.headers },
        signal: signal === undefined ? broken.signal : AbortSignal.any([signal, broken.signal]),
        ...stream,
      } as RequestInit);
    } catch (error) {
      if (failure !== undefined) throw failure.error;
      signal?.throwIfAborted();
      servers.failed(serverUrl);
      throw unreachable(serverUrl, error);
    }
    if (answer.ok) return answer;
    if (method === "HEAD" && answer.status === 404)
      throw new MusterError("not_found", "There is no such artifact.");
    throw errorOfResponse(serverUrl, answer.status, await answer.text());
  };

const artifactOf = (key: string, headers: Headers): Artifact => ({
  key,
  bytes: Number(/\/(\d+)$/.exec(headers.get("content-range") ?? "")?.[1] ?? headers.get("content-length")),
  sha256: (headers.get("etag") ?? "").replaceAll('"', ""),
  contentType: headers.get("muster-content-type") ?? "application/octet-stream",
  storedAt: new Date(headers.get("last-modified") ?? 0).toISOString(),
});

const contentOf = (answer: Response, { servers }: HttpArtifactsOptions, signal: AbortSignal | undefined) => ({
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of answer.body ?? []) yield chunk as Uint8Array;
    } catch (error) {
      signal?.throwIfAborted();
      throw unreachable(servers.current, error);
    }
  },
  cancel: async () => void (await answer.body?.cancel().catch(() => undefined)),
});
