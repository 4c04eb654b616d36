import { claudeBounds } from "./bounds.ts";
import { cut } from "./read-name.ts";

/** What of a file's keys Claude Code does not know, as JSON within bounds. */
export function keepMetadata(
  values: ReadonlyMap<string, unknown>,
  known: readonly string[],
): { kept: Record<string, unknown>; repairs: string[] } {
  const unknown = [...values].filter(([key]) => !known.includes(key));
  const room = { values: claudeBounds.metadataValues };
  const kept = Object.fromEntries(
    unknown.map(([key, value]) => [keyOf(key), asJson(value, 0, room)] as const),
  );
  if (room.values >= 0) return { kept, repairs: [] };
  return { kept, repairs: [`its unknown keys hold more than ${claudeBounds.metadataValues} values: cut`] };
}

/** A copy as JSON within the same bounds. */
export const boundedJson = (value: unknown): unknown =>
  asJson(value, 0, { values: claudeBounds.metadataValues });

/** What is too deep or too much becomes null, so that aliases in a circle end. */
function asJson(value: unknown, depth: number, room: { values: number }): unknown {
  if (room.values < 0 || depth > claudeBounds.metadataDepth) return null;
  room.values--;
  if (typeof value === "string") return cut(value, claudeBounds.metadataTextLength);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "boolean" || value === null) return value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return withinRoom(value, room).map((one) => asJson(one, depth + 1, room));
  if (typeof value !== "object" || value === undefined) return String(value);
  return Object.fromEntries(
    withinRoom(Object.entries(value), room).map(([key, one]) => [keyOf(key), asJson(one, depth + 1, room)]),
  );
}

const keyOf = (key: string): string => cut(wellFormed(key), claudeBounds.nameLength);

/** Escapes of YAML can write what neither JSON nor a database takes: halves of characters, and zeros. */
export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}|\0/gu, "\ufffd");

const withinRoom = <One>(list: One[], room: { values: number }): One[] => {
  const taken = list.slice(0, Math.max(0, room.values));
  if (taken.length < list.length) room.values = -1;
  return taken;
};

/** The same for all texts in something that was read, which is JSON. */
export const allWellFormed = <Value>(value: Value): Value =>
  JSON.parse(JSON.stringify(value), (_, one: unknown) => (typeof one === "string" ? wellFormed(one) : one));
