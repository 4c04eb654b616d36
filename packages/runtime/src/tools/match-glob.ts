/** Alternatives that the braces of one pattern may make. */
const mostAlternatives = 256;
const mostPatternChars = 1_000;

/**
 * Whether a path matches a glob: `*` and `?` within a name, `**` for any number of folders, `[a-z]`, `{a,b}`. A pattern
 * comes from a model and the names from a repository, so matching takes at most (pattern × path) steps whatever they
 * are; a regular expression made of the pattern would not promise that. A pattern that is too large matches nothing.
 */
export function matchGlob(pattern: string, path: string): boolean {
  return globMatcher(pattern)(path);
}

/** The same, for many paths. */
export function globMatcher(pattern: string): (path: string) => boolean {
  if (pattern.length > mostPatternChars) return () => false;
  const alternatives = expandBraces(pattern).map((one) => one.split("/").filter((part) => part !== ""));
  return (path) => {
    const names = path.split("/").filter((part) => part !== "");
    return alternatives.some((parts) => matchParts(parts, names));
  };
}

/** `a{b,c}d` is `abd` and `acd`; braces may lie in braces. What is not closed is meant literally. */
function expandBraces(pattern: string): string[] {
  const done: string[] = [];
  const open = [pattern];
  while (open.length > 0 && done.length + open.length <= mostAlternatives) {
    const next = open.pop()!;
    const parts = firstBraces(next);
    if (parts === null) done.push(next);
    else open.push(...parts.choices.map((choice) => parts.before + choice + parts.after).reverse());
  }
  return done;
}

function firstBraces(text: string): { before: string; choices: string[]; after: string } | null {
  for (let start = text.indexOf("{"); start !== -1; start = text.indexOf("{", start + 1)) {
    const choices: string[] = [];
    let depth = 0;
    let from = start + 1;
    for (let at = start; at < text.length; at++) {
      const char = text[at];
      if (char === "{") depth++;
      else if (char === "," && depth === 1) {
        choices.push(text.slice(from, at));
        from = at + 1;
      } else if (char === "}" && --depth === 0) {
        if (choices.length === 0) break;
        choices.push(text.slice(from, at));
        return { before: text.slice(0, start), choices, after: text.slice(at + 1) };
      }
    }
  }
  return null;
}

/** Two pointers with one point to come back to, at the last `**`: it may always take more, never less. */
function matchParts(parts: readonly string[], names: readonly string[]): boolean {
  return matchWithStars(
    parts.length,
    names.length,
    (part) => parts[part] === "**",
    (part, name) => matchName(parts[part]!, names[name]!),
  );
}

function matchName(pattern: string, name: string): boolean {
  const tokens = pattern.match(/\[[!^]?\]?[^\]]*\]|[\s\S]/gu) ?? [];
  const chars = [...name];
  return matchWithStars(
    tokens.length,
    chars.length,
    (token) => tokens[token] === "*",
    (token, at) => matchChar(tokens[token]!, chars[at]!),
  );
}

function matchWithStars(
  patternLength: number,
  length: number,
  isStar: (index: number) => boolean,
  matches: (index: number, at: number) => boolean,
): boolean {
  let index = 0;
  let star = -1;
  let resume = 0;
  for (let at = 0; at < length; ) {
    if (index < patternLength && isStar(index)) {
      star = index++;
      resume = at;
    } else if (index < patternLength && matches(index, at)) {
      index++;
      at++;
    } else if (star !== -1) {
      index = star + 1;
      at = ++resume;
    } else return false;
  }
  while (index < patternLength && isStar(index)) index++;
  return index === patternLength;
}

function matchChar(token: string, char: string): boolean {
  if (token === "?") return true;
  if (token.length < 3 || token[0] !== "[") return token === char;
  const negated = token[1] === "!" || token[1] === "^";
  const set = token.slice(negated ? 2 : 1, -1);
  return inSet(set, char) !== negated;
}

function inSet(set: string, char: string): boolean {
  for (let at = 0; at < set.length; at++) {
    if (set[at + 1] === "-" && at + 2 < set.length) {
      if (set[at]! <= char && char <= set[at + 2]!) return true;
      at += 2;
    } else if (set[at] === char) return true;
  }
  return false;
}
