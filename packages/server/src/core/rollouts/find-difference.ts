/** Characters shown of a value that differs. */
const shownLength = 500;

export interface Difference {
  /** JSON Pointer to the first place where they differ. */
  path: string;
  baseline: string;
  candidate: string;
}

/** The first place at which two JSON values differ, members in the order of their names; null where they are equal. */
export function findDifference(baseline: unknown, candidate: unknown, path = ""): Difference | null {
  if (Array.isArray(baseline) && Array.isArray(candidate)) {
    const length = Math.max(baseline.length, candidate.length);
    for (let index = 0; index < length; index++) {
      const found = findDifference(baseline[index], candidate[index], `${path}/${index}`);
      if (found !== null) return found;
    }
    return null;
  }
  if (isObject(baseline) && isObject(candidate)) {
    for (const name of [...new Set([...Object.keys(baseline), ...Object.keys(candidate)])].sort()) {
      const step = name.replaceAll("~", "~0").replaceAll("/", "~1");
      const [one, other] = [ownMember(baseline, name), ownMember(candidate, name)];
      const found = findDifference(one, other, `${path}/${step}`);
      if (found !== null) return found;
    }
    return null;
  }
  if (baseline === candidate) return null;
  return { path, baseline: shown(baseline), candidate: shown(candidate) };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const ownMember = (value: Record<string, unknown>, name: string): unknown =>
  Object.hasOwn(value, name) ? value[name] : undefined;

function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length <= shownLength ? text : `${text.slice(0, shownLength)}…`;
}
