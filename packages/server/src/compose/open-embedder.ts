import { MusterError } from "@muster/sdk/protocol";
import type { Embedder } from "../ports/embedder.ts";

export interface EmbedderOptions {
  /** `local`, `none`, or the address before `/embeddings` of a server. */
  embeddings?: string | undefined;
  embeddingsModel?: string | undefined;
  embeddingsKey?: string | undefined;
}

/** What makes embeddings of memories; undefined where nothing does, and they are found by their words alone. */
export async function openEmbedder(options: EmbedderOptions): Promise<Embedder | undefined> {
  const { embeddings = "local", embeddingsModel: model, embeddingsKey: apiKey } = options;
  if (embeddings === "none") return undefined;
  if (embeddings === "local") {
    const { createLocalEmbedder, hasLocalModel } = await import(
      "../adapters/embedder/local/create-local-embedder.ts"
    );
    return hasLocalModel() ? createLocalEmbedder() : undefined;
  }
  if (model === undefined) {
    throw new MusterError("invalid_request", "There is MUSTER_EMBEDDINGS, and no MUSTER_EMBEDDINGS_MODEL.", {
      hint: "Say which model the server is to use.",
    });
  }
  const { createHttpEmbedder } = await import("../adapters/embedder/http/create-http-embedder.ts");
  return createHttpEmbedder({ url: embeddings, model, apiKey });
}
