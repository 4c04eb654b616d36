/** Any JSON value; `undefined` stands for one that is not there. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A place where both sides changed the same thing in different ways; a side that is missing removed it. */
export interface MergeConflict {
  /** JSON Pointer (RFC 6901). */
  path: string;
  base?: Json;
  yours?: Json;
  theirs?: Json;
}

export interface Merged {
  /** What came out; where both sides disagree it has theirs. Undefined where nothing is left. */
  value: Json | undefined;
  conflicts: MergeConflict[];
}

const isObject = (value: Json | undefined): value is { [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether two JSON values mean the same: the order of members does not count, that of elements does. */
export const equalJson = (one: Json | undefined, other: Json | undefined): boolean => {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((value, index) => equalJson(value, other[index]));
  }
  if (!isObject(one) || !isObject(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && equalJson(one[key], other[key]))
  );
};

/** One token of a JSON Pointer. */
export const pointerToken = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1");

/**
 * Joins two changes of one value. Objects are merged member by member; anything else, lists too, is taken as a
 * whole from the side that changed it. Where both changed it differently that is a conflict, named by its path.
 * The depth of the values bounds the recursion.
 */
export const mergeThreeWay = (
  base: Json | undefined,
  yours: Json | undefined,
  theirs: Json | undefined,
): Merged => {
  const conflicts: MergeConflict[] = [];
  const value = merge(base, yours, theirs, "", conflicts);
  return { value, conflicts };
};

const merge = (
  base: Json | undefined,
  yours: Json | undefined,
  theirs: Json | undefined,
  path: string,
  conflicts: MergeConflict[],
): Json | undefined => {
  if (equalJson(yours, theirs) || equalJson(base, yours)) return theirs;
  if (equalJson(base, theirs)) return yours;
  if (isObject(yours) && isObject(theirs) && (isObject(base) || base === undefined)) {
    return mergeMembers(base ?? {}, yours, theirs, path, conflicts);
  }
  conflicts.push({
    path,
    ...(base === undefined ? {} : { base }),
    ...(yours === undefined ? {} : { yours }),
    ...(theirs === undefined ? {} : { theirs }),
  });
  return theirs;
};

const mergeMembers = (
  base: { [key: string]: Json },
  yours: { [key: string]: Json },
  theirs: { [key: string]: Json },
  path: string,
  conflicts: MergeConflict[],
): Json => {
  const members: [string, Json][] = [];
  for (const key of new Set([...Object.keys(theirs), ...Object.keys(yours)])) {
    const member = merge(
      memberOf(base, key),
      memberOf(yours, key),
      memberOf(theirs, key),
      `${path}/${pointerToken(key)}`,
      conflicts,
    );
    if (member !== undefined) members.push([key, member]);
  }
  return Object.fromEntries(members);
};

const memberOf = (object: { [key: string]: Json }, key: string): Json | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;
