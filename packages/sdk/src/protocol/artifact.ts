import Type, { type Static } from "typebox";
import { limits } from "./limits.ts";

const segment = "(?!\\.{1,2}(?:/|$))[A-Za-z0-9._-]{1,120}";

/** What an artifact is called within its tenant. */
export const ArtifactKey = Type.String({
  minLength: 1,
  maxLength: limits.artifactKeyLength,
  pattern: `^${segment}(?:/${segment})*$`,
  description:
    "Letters, digits, dots, hyphens and underscores, in segments of up to 120 between slashes; none is . or ..",
});

/** A file that is too large for an input or output: tasks refer to it by its key. */
export const Artifact = Type.Object(
  {
    key: ArtifactKey,
    bytes: Type.Integer({ minimum: 0 }),
    sha256: Type.String({ pattern: "^[0-9a-f]{64}$", description: "Of the content; also its ETag." }),
    contentType: Type.String({ description: "As whoever put it called it; never checked." }),
    storedAt: Type.String({ format: "date-time" }),
  },
  { $id: "Artifact" },
);
export type Artifact = Static<typeof Artifact>;

/** An artifact in a listing. */
export const ArtifactEntry = Type.Object(
  {
    key: ArtifactKey,
    bytes: Type.Integer({ minimum: 0 }),
    storedAt: Type.String({ format: "date-time" }),
  },
  { $id: "ArtifactEntry" },
);
export type ArtifactEntry = Static<typeof ArtifactEntry>;

/** Which artifacts to list. */
export const ArtifactFilter = Type.Object(
  {
    prefix: Type.Optional(
      Type.String({
        maxLength: limits.artifactKeyLength,
        pattern: "^[A-Za-z0-9._/-]*$",
        description: "Only keys that begin with it.",
      }),
    ),
    after: Type.Optional(
      Type.String({
        maxLength: limits.artifactKeyLength,
        pattern: "^[A-Za-z0-9._/-]*$",
        description: "Only keys behind it: `next` of the page before this one.",
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageSize, default: 50 })),
  },
  { additionalProperties: false },
);
export type ArtifactFilter = Static<typeof ArtifactFilter>;
