import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Scalar } from "yaml";
import type { Path } from "./path.ts";
import type { ProblemReport } from "./problems.ts";
import { workflowLimits } from "./workflow-limits.ts";

/** Offsets in the text: of the key that leads to a value, and of the value itself. */
export interface Mark {
  key: number | undefined;
  start: number;
  end: number;
}

/** A path as the key of a map; no part of a path holds a NUL. */
export const placeKey = (path: Path): string => path.join("\0");

/**
 * Turns a YAML document into plain JSON. Only what JSON can say is accepted: no key twice, no key that is a
 * list, no infinite numbers, and few aliases, so that a small text stays a small document.
 */
export function convertYaml(yaml: Document.Parsed) {
  const conversion = new Conversion();
  const json = conversion.convert(yaml.contents, [], undefined);
  return { json, marks: conversion.marks, reports: conversion.reports };
}

class Conversion {
  readonly marks = new Map<string, Mark>();
  readonly reports: ProblemReport[] = [];
  readonly #anchors = new Map<string, Node>();
  /** The lists and maps that are being converted, to notice an alias inside its own value. */
  readonly #open = new Set<Node>();
  #values = 0;
  #aliases = 0;
  /** Whether a bound was passed; nothing more is converted then. */
  #full = false;

  convert(node: Node | null, path: Path, keyOffset: number | undefined): unknown {
    if (this.#full) return null;
    this.#values += 1;
    if (this.#values > workflowLimits.documentValues) {
      this.#full = true;
      return this.#refuse(path, `the document has more than ${workflowLimits.documentValues} values`);
    }
    const [start, end] = node?.range ?? [keyOffset ?? 0, keyOffset ?? 0];
    this.marks.set(placeKey(path), { key: keyOffset, start, end });
    if (path.length > workflowLimits.documentDepth) {
      return this.#refuse(path, `nested more than ${workflowLimits.documentDepth} levels deep`);
    }
    if (node === null) return null;
    if (isAlias(node)) return this.#convertAlias(node.source, path, keyOffset);
    if ("anchor" in node && node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    return isScalar(node) ? this.#convertScalar(node, path) : this.#convertCollection(node, path);
  }

  #refuse(path: Path, message: string, hint?: string): null {
    this.reports.push({ path, message, hint });
    return null;
  }

  #convertAlias(name: string, path: Path, keyOffset: number | undefined): unknown {
    this.#aliases += 1;
    if (this.#aliases > workflowLimits.aliases) {
      this.#full = true;
      return this.#refuse(path, `more than ${workflowLimits.aliases} YAML aliases`, "write the values out");
    }
    const target = this.#anchors.get(name);
    if (target === undefined) return this.#refuse(path, `unknown alias "*${name}"`);
    if (this.#open.has(target)) {
      return this.#refuse(path, `the alias "*${name}" is inside the value that it stands for`);
    }
    return this.convert(target, path, keyOffset);
  }

  #convertScalar(node: Scalar, path: Path): unknown {
    const { value } = node;
    if (typeof value !== "number" || Number.isFinite(value)) return value;
    return this.#refuse(path, `${node.source ?? value} is no JSON number`);
  }

  #convertCollection(node: Node, path: Path): unknown {
    this.#open.add(node);
    let value: unknown = null;
    if (isMap(node)) value = this.#convertMap(node.items, path);
    else if (isSeq(node))
      value = node.items.map((item, i) => this.convert(item as Node | null, [...path, i], undefined));
    this.#open.delete(node);
    return value;
  }

  #convertMap(pairs: Pair[], path: Path): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    for (const pair of pairs) {
      const keyNode = pair.key as Node | null;
      const keyOffset = keyNode?.range?.[0] ?? 0;
      const key = isScalar(keyNode) && keyNode.value !== null ? String(keyNode.value) : undefined;
      const mistake = key === undefined ? "a key must be plain text" : keyMistake(key, object);
      if (mistake !== undefined) this.reports.push({ path, at: { textOffset: keyOffset }, message: mistake });
      else object[key!] = this.convert(pair.value as Node | null, [...path, key!], keyOffset);
    }
    return object;
  }
}

function keyMistake(key: string, object: Record<string, unknown>): string | undefined {
  if (key === "__proto__") return `the key "${key}" is not allowed`;
  if (Object.hasOwn(object, key)) return `the key "${key}" is here twice`;
  return undefined;
}
