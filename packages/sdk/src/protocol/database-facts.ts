import Type, { type Static } from "typebox";

const Version = Type.Union([Type.String(), Type.Null()]);

/** What the database is that all nodes work on. */
export const DatabaseFacts = Type.Object(
  {
    kind: Type.Enum(["embedded", "postgresql"], {
      description: "`embedded`: it is in the server's own process.",
    }),
    version: Type.String({ description: "Of PostgreSQL." }),
    vector: Type.Object(
      {
        version: Version,
        available: Version,
        index: Type.Boolean({
          description: "Memories can be found by their meaning with an index (0.7 and later).",
        }),
      },
      {
        description:
          "The extension pgvector: the version that was created in this database, and the one that lies ready; null: none.",
      },
    ),
  },
  { $id: "DatabaseFacts" },
);
export type DatabaseFacts = Static<typeof DatabaseFacts>;
