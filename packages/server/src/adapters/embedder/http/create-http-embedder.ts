import { MusterError } from "@muster/sdk/protocol";
import type { Embedder } from "../../../ports/embedder.ts";
import { unitVectors } from "../unit-vector.ts";

export interface HttpEmbedderOptions {
  /** What `/embeddings` follows, such as `https://api.openai.com/v1`. */
  url: string;
  model: string;
  apiKey?: string | undefined;
  fetch?: typeof globalThis.fetch;
}

/** Longest time of one request: whoever recalls waits for it. */
const timeoutMs = 8_000;
/** Bytes of an answer. */
const mostBytes = 64 * 1024 * 1024;
/** Characters of a text that are sent: some 8,000 tokens are common, and 8,192 characters are fewer in any language. */
const mostCharacters = 8_192;

/** Any server that answers `POST /v1/embeddings` as OpenAI does: Ollama, vLLM, llama.cpp and most providers. */
export function createHttpEmbedder({ url, model, apiKey, ...given }: HttpEmbedderOptions): Embedder {
  const send = given.fetch ?? globalThis.fetch;
  const address = `${url.replace(/\/+$/, "")}/embeddings`;
  const host = new URL(address).host;

  async function ask(texts: readonly string[]): Promise<string> {
    const input = texts.map((text) => text.slice(0, mostCharacters));
    try {
      const response = await send(address, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        body: JSON.stringify({ model, input, encoding_format: "float" }),
        signal: AbortSignal.timeout(timeoutMs),
        redirect: "error",
      });
      const text = await readWithin(response, mostBytes);
      if (response.ok) return text;
      throw refused(host, response.status, text);
    } catch (cause) {
      if (cause instanceof MusterError) throw cause;
      throw new MusterError("unavailable", `${host} did not answer: ${(cause as Error).message}`, { cause });
    }
  }

  return {
    model,
    async embed(texts) {
      if (texts.length === 0) return [];
      return unitVectors(vectorsOf(await ask(texts)), texts.length, host);
    },
    close: async () => {},
  };
}

/** The vectors of an answer in the order of the texts; undefined where it has none. */
function vectorsOf(text: string): unknown {
  try {
    const { data } = JSON.parse(text) as { data: { index?: number; embedding: unknown }[] };
    return data
      .map(({ embedding, index }, place) => ({ embedding, at: index ?? place }))
      .sort((one, other) => one.at - other.at)
      .map(({ embedding }) => embedding);
  } catch {
    return undefined;
  }
}

async function readWithin(response: Response, most: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > most) throw new MusterError("unavailable", `The answer takes more than ${most} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** A text that is refused is refused again; everything else may pass. */
const refused = (host: string, status: number, text: string): MusterError =>
  new MusterError(
    status === 400 || status === 413 || status === 422 ? "invalid_request" : "unavailable",
    `${host} answered with status ${status}: ${text.slice(0, 200)}`,
    { hint: "Check MUSTER_EMBEDDINGS, MUSTER_EMBEDDINGS_MODEL and MUSTER_EMBEDDINGS_KEY." },
  );
