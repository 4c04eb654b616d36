/** Where a value is in a document: the keys and places that lead to it, from the outside in. */
export type Path = readonly (string | number)[];

/** A path as people read it, such as `steps.review.needs[0]`. */
export function formatPath(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (!/^[\w-]+$/.test(part)) text += `[${JSON.stringify(part)}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text;
}

/** The path behind a JSON pointer in a document; digits are a place only where the document has a list. */
export function parsePointer(pointer: string, document: unknown): Path {
  const path: (string | number)[] = [];
  let value = document;
  for (const escaped of pointer.split("/").slice(1)) {
    const part = escaped.replaceAll("~1", "/").replaceAll("~0", "~");
    path.push(Array.isArray(value) ? Number(part) : part);
    value = memberOf(value, part);
  }
  return path;
}

/** An own member of an object or list; nothing that an object merely inherits. */
export function memberOf(value: unknown, key: string | number): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string | number, unknown>)[key];
}

/** Whether a value is a JSON object (and no list). */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
