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
  const marks = new Map<string, Mark>();
  const reports: ProblemReport[] = [];
  const anchors = new Map<string, Node>();
  const open = new Set<Node>();
  let values = 0;
  let aliases = 0;
  let full = false;

  function convert(node: Node | null, path: Path, keyOffset: number | undefined): unknown {
    if (full) return null;
    values += 1;
    if (values > workflowLimits.documentValues) {
      full = true;
      return refuse(path, `the document has more than ${workflowLimits.documentValues} values`);
    }
    const [start, end] = node?.range ?? [keyOffset ?? 0, keyOffset ?? 0];
    marks.set(placeKey(path), { key: keyOffset, start, end });
    if (path.length > workflowLimits.documentDepth) {
      return refuse(path, `nested more than ${workflowLimits.documentDepth} levels deep`);
    }
    if (node === null) return null;
    if (isAlias(node)) return convertAlias(node.source, path, keyOffset);
    if ("anchor" in node && node.anchor !== undefined) anchors.set(node.anchor, node);
    if (isScalar(node)) return convertScalar(node, path);
    open.add(node);
    const value = isMap(node)
      ? convertMap(node.items, path)
      : isSeq(node)
        ? convertList(node.items, path)
        : null;
    open.delete(node);
    return value;
  }

  function refuse(path: Path, message: string, hint?: string): null {
    reports.push({ path, message, hint });
    return null;
  }

  function convertAlias(name: string, path: Path, keyOffset: number | undefined): unknown {
    aliases += 1;
    if (aliases > workflowLimits.aliases) {
      full = true;
      return refuse(path, `more than ${workflowLimits.aliases} YAML aliases`, "write the values out");
    }
    const target = anchors.get(name);
    if (target === undefined) return refuse(path, `unknown alias "*${name}"`);
    if (open.has(target)) return refuse(path, `the alias "*${name}" is inside the value that it stands for`);
    return convert(target, path, keyOffset);
  }

  function convertScalar(node: Scalar, path: Path): unknown {
    const { value } = node;
    if (typeof value !== "number" || Number.isFinite(value)) return value;
    return refuse(path, `${node.source ?? value} is no JSON number`);
  }

  function convertList(items: unknown[], path: Path): unknown[] {
    return items.map((item, i) => convert(item as Node | null, [...path, i], undefined));
  }

  function convertMap(pairs: Pair[], path: Path): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    for (const pair of pairs) {
      const keyNode = pair.key as Node | null;
      const keyOffset = keyNode?.range?.[0] ?? 0;
      const key = isScalar(keyNode) && keyNode.value !== null ? String(keyNode.value) : undefined;
      const mistake = key === undefined ? "a key must be plain text" : keyMistake(key, object);
      if (mistake !== undefined) reports.push({ path, at: { textOffset: keyOffset }, message: mistake });
      else object[key!] = convert(pair.value as Node | null, [...path, key!], keyOffset);
    }
    return object;
  }

  const json = convert(yaml.contents, [], undefined);
  return { json, marks, reports };
}

function keyMistake(key: string, object: Record<string, unknown>): string | undefined {
  if (key === "__proto__") return `the key "${key}" is not allowed`;
  if (Object.hasOwn(object, key)) return `the key "${key}" is here twice`;
  return undefined;
}
