import { equalJson, type Json, type PatchOperation, pointerToken } from "@muster/sdk/protocol";

/**
 * The JSON Patch (RFC 6902) that makes one value of another. Objects are compared member by member, lists element by
 * element from the front: simple, of bounded cost, and no longer than the values themselves.
 */
export function diffJson(from: Json, to: Json, path = ""): PatchOperation[] {
  if (equalJson(from, to)) return [];
  if (Array.isArray(from) && Array.isArray(to)) return diffLists(from, to, path);
  if (!isObject(from) || !isObject(to)) return [{ op: "replace", path, value: to }];
  const removed = Object.keys(from)
    .filter((key) => !Object.hasOwn(to, key))
    .map((key): PatchOperation => ({ op: "remove", path: `${path}/${pointerToken(key)}` }));
  const others = Object.entries(to).flatMap(([key, value]): PatchOperation[] => {
    const place = `${path}/${pointerToken(key)}`;
    if (!Object.hasOwn(from, key)) return [{ op: "add", path: place, value }];
    return diffJson(from[key] as Json, value, place);
  });
  return [...removed, ...others];
}

function diffLists(from: readonly Json[], to: readonly Json[], path: string): PatchOperation[] {
  const common = Math.min(from.length, to.length);
  const operations: PatchOperation[] = [];
  for (let index = 0; index < common; index++) {
    operations.push(...diffJson(from[index] as Json, to[index] as Json, `${path}/${index}`));
  }
  for (let index = from.length - 1; index >= common; index--)
    operations.push({ op: "remove", path: `${path}/${index}` });
  for (const value of to.slice(common)) operations.push({ op: "add", path: `${path}/-`, value });
  return operations;
}

const isObject = (value: Json): value is { [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
