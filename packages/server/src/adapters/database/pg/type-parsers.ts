import pg from "pg";

const int8 = 20;
const int8Array = 1016;
/** Its elements are read as text, and that is all an array of `bigint` needs taken apart. */
const textArray = 1009;

/** Reads a `bigint`. One that a double can't hold exactly is refused, for it would silently become another. */
function readInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new Error(`The bigint ${text} is beyond what a JavaScript number holds.`);
  return value;
}

const readTextArray: (text: string) => (string | null)[] = pg.types.getTypeParser(
  textArray as number,
  "text",
);

function readInt8Array(text: string): (number | null)[] {
  const items: (string | null)[] = readTextArray(text);
  return items.map((item) => (item === null ? null : readInt8(item)));
}

/**
 * How columns become values, the same on every connection: `bigint` and its arrays as numbers; the rest as
 * `pg` does it (`json` and `jsonb` parsed, `uuid` and `numeric` as text, arrays as arrays).
 */
export const typeParsers: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: "text" | "binary") {
    if (oid === int8) return readInt8;
    if (oid === int8Array) return readInt8Array;
    return format === "binary" ? pg.types.getTypeParser(oid, "binary") : pg.types.getTypeParser(oid, "text");
  },
};
