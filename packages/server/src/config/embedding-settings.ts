import Type from "typebox";

/** What compares the meanings of memories. */
export const embeddingSettings = {
  embeddings: Type.String({
    pattern: "^(local|none|https?://[^\\s@]+)$",
    maxLength: 1_000,
    default: "local",
    variable: "MUSTER_EMBEDDINGS",
    description:
      "What compares the meanings of memories: local (a small English model, if it is installed), none, or a server that answers /embeddings.",
    example: "http://localhost:11434/v1",
    wanted: "local, none, or an address that begins with http:// or https://",
    scope: "server",
  }),
  embeddingsModel: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      variable: "MUSTER_EMBEDDINGS_MODEL",
      description: "The model that this server is to use. The same on every node.",
      example: "nomic-embed-text",
      otherwise: "none",
      scope: "server",
    }),
  ),
  embeddingsKey: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1_000,
      variable: "MUSTER_EMBEDDINGS_KEY",
      description: "The key that is shown to this server.",
      example: "the key of the provider",
      secret: "whole",
      otherwise: "none",
      scope: "server",
    }),
  ),
};
