import {
  equalJson,
  type Json,
  limits,
  MusterError,
  type PatchOperation,
  pointerToken,
} from "@muster/sdk/protocol";

/** Why a patch does not fit the document that it was given. */
export class PatchMismatch extends Error {
  readonly operation: number;
  constructor(operation: number, message: string) {
    super(message);
    this.operation = operation;
  }
}

/** Bytes that all copies of one patch may add: a few copies of copies would otherwise fill the memory. */
const mostCopied = limits.stateDocumentBytes;

/**
 * Applies a JSON Patch (RFC 6902), all of it or nothing; undefined where the root is removed. The document is not
 * changed: what is patched is made anew along the path, once, and the rest is shared. So an operation costs as much as
 * what it touches, however large the document. Only own members count: no path leads into a prototype. Throws a
 * `PatchMismatch` where an operation does not fit.
 */
export function applyJsonPatch(document: Json, patch: readonly PatchOperation[]): Json | undefined {
  const draft = new Draft(document);
  for (const [index, operation] of patch.entries()) {
    try {
      applyOperation(draft, operation);
    } catch (error) {
      throw error instanceof Misfit ? new PatchMismatch(index, error.message) : error;
    }
  }
  return draft.root;
}

function applyOperation(draft: Draft, { op, path, from = "", value }: PatchOperation): void {
  const place = tokensOf(path);
  if (op === "test") {
    if (!equalJson(draft.read(place), value as Json))
      throw new Misfit(`the value at ${named(place)} is another one`);
  } else if (op === "remove") draft.remove(place);
  else if (op === "add") draft.add(place, value as Json);
  else if (op === "replace") draft.replace(place, value as Json);
  else {
    const source = tokensOf(from);
    if (op === "copy") draft.add(place, draft.copyOf(source));
    else {
      if (place.length > source.length && source.every((token, at) => token === place[at]))
        throw new Misfit(`${named(source)} can't be moved into itself`);
      draft.add(place, draft.remove(source));
    }
  }
}

/** Checks what can be said of a patch without a document. */
export function checkJsonPatch(patch: unknown): PatchOperation[] {
  const bad = (message: string, hint?: string) =>
    new MusterError("invalid_request", `The JSON Patch is not valid: ${message}.`, {
      hint: hint ?? "It is a list of operations as in RFC 6902.",
    });
  if (!Array.isArray(patch)) throw bad("it is no list");
  if (patch.length > limits.statePatchOperations) {
    throw new MusterError(
      "limit_exceeded",
      `The JSON Patch has ${patch.length} operations; ${limits.statePatchOperations} are allowed.`,
    );
  }
  for (const [index, operation] of patch.entries()) {
    const { op, path, from } = (operation ?? {}) as Partial<PatchOperation>;
    const at = `operation ${index}`;
    if (!["add", "remove", "replace", "move", "copy", "test"].includes(op as string)) {
      throw bad(`${at} has no known op`, "Known are add, remove, replace, move, copy and test.");
    }
    if (!isPointer(path)) throw bad(`${at} has no JSON Pointer as path`);
    if ((op === "move" || op === "copy") && !isPointer(from)) throw bad(`${at} has no JSON Pointer as from`);
    if (["add", "replace", "test"].includes(op as string) && !Object.hasOwn(operation, "value"))
      throw bad(`${at} has no value`);
  }
  return patch as PatchOperation[];
}

const isPointer = (text: unknown): text is string =>
  typeof text === "string" && (text === "" || text.startsWith("/")) && !/~(?![01])/.test(text);

const named = (place: readonly string[]): string =>
  place.length === 0 ? "the root" : `/${place.map(pointerToken).join("/")}`.slice(0, 200);

function tokensOf(pointer: string): string[] {
  const tokens = pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
  if (tokens.includes("__proto__")) throw new Misfit("the key __proto__ is not allowed");
  if (tokens.length > limits.jsonDepth)
    throw new Misfit(`a path of more than ${limits.jsonDepth} levels is too deep`);
  return tokens;
}

/** An operation does not fit; which one is added on the way. */
class Misfit extends Error {}

type Container = Json[] | { [key: string]: Json };

const isContainer = (value: Json | undefined): value is Container =>
  typeof value === "object" && value !== null;

/** The index that a token means, or NaN. */
const indexOf = (token: string): number => (/^(?:0|[1-9]\d{0,15})$/.test(token) ? Number(token) : Number.NaN);

function memberOf(parent: Json | undefined, token: string): Json | undefined {
  if (Array.isArray(parent)) return parent[indexOf(token)];
  return isContainer(parent) && Object.hasOwn(parent, token) ? parent[token] : undefined;
}

/** A document while it is patched. */
class Draft {
  root: Json | undefined;
  /** What was made anew here and so may be changed. */
  readonly #own = new WeakSet<object>();
  #copied = 0;

  constructor(root: Json) {
    this.root = root;
  }

  read(place: readonly string[]): Json {
    let found = this.root;
    for (const token of place) found = memberOf(found, token);
    if (found === undefined) throw new Misfit(`there is nothing at ${named(place)}`);
    return found;
  }

  copyOf(place: readonly string[]): Json {
    const text = JSON.stringify(this.read(place));
    this.#copied += text.length;
    if (this.#copied > mostCopied) throw new Misfit(`copies of more than ${mostCopied} bytes are too much`);
    return JSON.parse(text) as Json;
  }

  add(place: readonly string[], value: Json): void {
    const token = place.at(-1);
    if (token === undefined) {
      this.root = value;
      return;
    }
    const parent = this.#change(place.slice(0, -1));
    if (!Array.isArray(parent)) {
      parent[token] = value;
      return;
    }
    const index = token === "-" ? parent.length : indexOf(token);
    if (!(index <= parent.length))
      throw new Misfit(`${named(place)} is no place in a list of ${parent.length}`);
    parent.splice(index, 0, value);
  }

  replace(place: readonly string[], value: Json): void {
    this.read(place);
    const token = place.at(-1);
    if (token === undefined) this.root = value;
    else (this.#change(place.slice(0, -1)) as { [key: string]: Json })[token] = value;
  }

  remove(place: readonly string[]): Json {
    const removed = this.read(place);
    const token = place.at(-1);
    if (token === undefined) {
      this.root = undefined;
      return removed;
    }
    const parent = this.#change(place.slice(0, -1));
    if (Array.isArray(parent)) parent.splice(indexOf(token), 1);
    else delete parent[token];
    return removed;
  }

  /** The object or list at a place, ready to be changed. */
  #change(place: readonly string[]): Container {
    let at = this.#mine(this.root, place);
    this.root = at;
    for (const token of place) {
      const member = this.#mine(memberOf(at, token), place);
      (at as { [key: string]: Json })[token] = member;
      at = member;
    }
    return at;
  }

  #mine(value: Json | undefined, place: readonly string[]): Container {
    if (!isContainer(value)) throw new Misfit(`${named(place)} is no object or list`);
    if (this.#own.has(value)) return value;
    const mine = Array.isArray(value) ? [...value] : { ...value };
    this.#own.add(mine);
    return mine;
  }
}
