import { createHash } from "node:crypto";
import { MusterError } from "@muster/sdk/protocol";
import Type, { type Static } from "typebox";
import { Check } from "typebox/value";

/** The layout of archives that this program writes, and the newest that it reads. */
export const formatVersion = 1;
const format = "muster-backup";
/** Bytes of a manifest. Ten thousand artifacts and thousands of parts need a few MiB. */
export const mostManifestBytes = 64 * 1024 * 1024;

const Count = Type.Integer({ minimum: 0 });
const Hex = Type.String({ pattern: "^[0-9a-f]{64}$" });
const Texts = Type.Array(Type.String());

const Part = Type.Object({
  /** Counts from 1 over the whole archive; the last segment of the blob's key. */
  number: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  /** Of what is stored, compressed and perhaps encrypted. */
  bytes: Count,
  sha256: Hex,
  /** Of what is in it. */
  plainBytes: Count,
});
export type Part = Static<typeof Part>;

const SavedTable = Type.Object({
  name: Type.String(),
  columns: Type.Array(Type.Object({ name: Type.String(), type: Type.String() })),
  rows: Count,
  /** The sum of the hashes of all rows, as the database reckoned it. */
  checksum: Type.String({ pattern: "^-?[0-9]+$" }),
  parts: Type.Array(Part),
});
export type SavedTable = Static<typeof SavedTable>;

const SavedArtifact = Type.Object({
  key: Type.String(),
  bytes: Count,
  /** Its content; null where only its name is kept. */
  part: Type.Union([Part, Type.Null()]),
  contentType: Type.Union([Type.String(), Type.Null()]),
});
export type SavedArtifact = Static<typeof SavedArtifact>;

const SealFacts = Type.Object({
  compression: Type.Literal("gzip"),
  encryption: Type.Union([
    Type.Null(),
    Type.Object({
      cipher: Type.Literal("aes-256-gcm"),
      derivation: Type.Enum(["scrypt", "hkdf-sha256"]),
      salt: Type.String({ pattern: "^[0-9a-f]{32}$" }),
      /** Tells a wrong key from damage. */
      keyCheck: Type.String({ pattern: "^[0-9a-f]{32}$" }),
    }),
  ]),
});
export type SealFacts = Static<typeof SealFacts>;

const Manifest = Type.Object({
  format: Type.Literal(format),
  formatVersion: Type.Integer({ minimum: 1 }),
  id: Type.String(),
  /** When the snapshot was taken. */
  createdAt: Type.String(),
  /** Of the program that wrote it. */
  program: Type.String(),
  /** The migrations that the store had seen, each as its number and checksum. */
  migrations: Texts,
  seal: SealFacts,
  tables: Type.Array(SavedTable),
  /** Tables that stay behind, with the reason. */
  leftOut: Type.Record(Type.String(), Type.String()),
  sequences: Type.Array(Type.Object({ name: Type.String(), at: Type.String(), called: Type.Boolean() })),
  artifacts: Type.Object({
    /** False: their contents stay where artifacts are kept; here are their names. */
    included: Type.Boolean(),
    /** True where there were more than a manifest names. */
    more: Type.Boolean(),
    items: Type.Array(SavedArtifact),
  }),
});
export type Manifest = Static<typeof Manifest>;

/** Every part of an archive, whatever it is of. */
export const partsOf = ({ tables, artifacts }: Manifest): Part[] => [
  ...tables.flatMap(({ parts }) => parts),
  ...artifacts.items.flatMap(({ part }) => (part === null ? [] : [part])),
];

export const rowsOf = ({ tables }: Manifest): number => tables.reduce((sum, { rows }) => sum + rows, 0);

/** The manifest as it is stored: a line of JSON and a line with its sum, which says nothing else was ever there. */
export function writeManifest(manifest: Manifest, sign: (text: string) => string): string {
  const body = JSON.stringify(manifest);
  return `${body}\nsha256 ${sumOf(body)} mac ${sign(body)}\n`;
}

export interface ReadManifest {
  manifest: Manifest;
  /** What the seal must check with the key before anything in the manifest is believed. */
  body: string;
  mac: string;
}

/** Reads a stored manifest; `content_damaged` where it is not whole, `conflict` where it is of another program's. */
export function readManifest(text: string, id: string): ReadManifest {
  const found = /^(\{[^\n]*\})\nsha256 ([0-9a-f]{64}) mac ([0-9a-f]{64}|none)\n$/.exec(text);
  const [, body = "", sum, mac = ""] = found ?? [];
  if (found === null || sumOf(body) !== sum) throw damaged(id);
  const manifest: unknown = JSON.parse(body);
  const head = manifest as Partial<Manifest>;
  if (head.format !== format)
    throw new MusterError("conflict", `${id} is no backup of Muster.`, { hint: "Look for another one." });
  if (typeof head.formatVersion === "number" && head.formatVersion > formatVersion)
    throw new MusterError(
      "conflict",
      `Backup ${id} was written by a newer version of Muster (${head.program}) in a form that this one can't read.`,
      { hint: "Restore it with the version that wrote it, or a newer one." },
    );
  if (!Check(Manifest, manifest)) throw damaged(id);
  if (manifest.id !== id)
    throw new MusterError("content_damaged", `What is stored as backup ${id} is backup ${manifest.id}.`, {
      hint: "Somebody renamed it. Put it back under its own name.",
    });
  return { manifest, body, mac };
}

const sumOf = (text: string): string => createHash("sha256").update(text).digest("hex");

const damaged = (id: string): MusterError =>
  new MusterError("content_damaged", `The manifest of backup ${id} is damaged.`, {
    hint: "Use another backup: `muster backup list` shows them.",
  });
