import { type Declared, declarationsOf, declaredBy, isBehindOverloads, nameOf } from "./declarations.ts";
import { describe, head, type OutlinedExport } from "./describe-export.ts";
import type { ParsedSource, SyntaxNode } from "./parse-source.ts";
import { createSourceText, type SourceText } from "./source-text.ts";

/** Far more than an outline lists. */
const maxExports = 1_000;

/**
 * Lists what a source exports, in the order of the text: ES modules, and the usual ways of CommonJS. It stops
 * soon after `maxExports`: exports of one thing under many names can multiply to any number.
 */
export const outlineSource = (text: string, parsed: ParsedSource): OutlinedExport[] => {
  const source = createSourceText(text, parsed.comments);
  const declared = declarationsOf(parsed.body);
  return withoutRepeats(gather(parsed.body, (statement) => exportsOf(statement, declared, source)));
};

const gather = <T>(items: readonly T[], exportsOfItem: (item: T) => OutlinedExport[]): OutlinedExport[] => {
  const gathered: OutlinedExport[] = [];
  for (const item of items) {
    if (gathered.length >= maxExports) break;
    gathered.push(...exportsOfItem(item));
  }
  return gathered;
};

const exportsOf = (
  statement: SyntaxNode,
  declared: ReadonlyMap<string, Declared[]>,
  source: SourceText,
): OutlinedExport[] => {
  switch (statement.type) {
    case "ExportNamedDeclaration":
      return namedExports(statement, declared, source);
    case "ExportDefaultDeclaration":
      return valueExport("default", statement.declaration as SyntaxNode, statement.start, declared, source);
    case "ExportAllDeclaration": {
      const name = nameOf(statement.exported) ?? "*";
      return [reExport(name, statement, source)];
    }
    case "TSExportAssignment":
      return valueExport("default", statement.expression as SyntaxNode, statement.start, declared, source);
    case "ExpressionStatement":
      return commonJsExports(statement.expression as SyntaxNode, statement.start, declared, source);
    default:
      return [];
  }
};

const namedExports = (
  statement: SyntaxNode,
  declared: ReadonlyMap<string, Declared[]>,
  source: SourceText,
): OutlinedExport[] => {
  if (statement.declaration !== null) {
    return declaredBy(statement.declaration as SyntaxNode, statement.start).flatMap(([name, declaration]) =>
      isBehindOverloads(declaration, declared.get(name) ?? []) ? [] : describe(name, declaration, source),
    );
  }
  return gather(statement.specifiers as SyntaxNode[], (specifier) => {
    const name = nameOf(specifier.exported) ?? "default";
    const found = statement.source === null ? declared.get(nameOf(specifier.local) ?? "") : undefined;
    if (found === undefined) return [reExport(name, statement, source)];
    return found.flatMap((declaration) => describe(name, declaration, source));
  });
};

const reExport = (name: string, statement: SyntaxNode, source: SourceText): OutlinedExport => ({
  ...head(name, "re-export", statement.start, statement.start, source),
  signature: source.slice(statement.start, statement.end),
});

/** `module.exports = …`, `exports.name = …` and chains of them. */
const commonJsExports = (
  expression: SyntaxNode,
  statementStart: number,
  declared: ReadonlyMap<string, Declared[]>,
  source: SourceText,
): OutlinedExport[] => {
  if (expression.type !== "AssignmentExpression") return [];
  const right = expression.right as SyntaxNode;
  const target = commonJsTarget(expression.left as SyntaxNode);
  if (right.type === "AssignmentExpression") {
    const inner = commonJsExports(right, statementStart, declared, source);
    const value = lastValue(right);
    return target === undefined || target === "default"
      ? inner
      : [...valueExport(target, value, statementStart, declared, source), ...inner];
  }
  if (target === undefined || /^(void|undefined)\b/.test(source.slice(right.start, right.end))) return [];
  if (target !== "default" || right.type !== "ObjectExpression") {
    return valueExport(target, right, statementStart, declared, source);
  }
  return gather(right.properties as SyntaxNode[], (property) => {
    const name =
      property.type === "Property" && property.computed !== true ? nameOf(property.key) : undefined;
    return name === undefined
      ? []
      : valueExport(name, property.value as SyntaxNode, property.start, declared, source);
  });
};

const lastValue = (expression: SyntaxNode): SyntaxNode =>
  expression.type === "AssignmentExpression" ? lastValue(expression.right as SyntaxNode) : expression;

/** The name that an assignment exports under: `default` for `module.exports` itself. */
const commonJsTarget = (left: SyntaxNode): string | undefined => {
  if (left.type !== "MemberExpression" || left.computed === true) return undefined;
  const object = left.object as SyntaxNode;
  const property = nameOf(left.property);
  if (nameOf(object) === "module" && property === "exports") return "default";
  const isExports = nameOf(object) === "exports" || commonJsTarget(object) === "default";
  return isExports && property !== "__esModule" ? property : undefined;
};

/** An export whose value is an expression or a declaration without a name of its own. */
const valueExport = (
  name: string,
  value: SyntaxNode,
  statementStart: number,
  declared: ReadonlyMap<string, Declared[]>,
  source: SourceText,
): OutlinedExport[] => {
  const found = value.type === "Identifier" ? declared.get(nameOf(value) ?? "") : undefined;
  if (found !== undefined) return found.flatMap((declaration) => describe(name, declaration, source));
  return describe(name, { node: value, statementStart, keyword: undefined }, source);
};

/** What is exported twice in the same way, as CommonJS likes to do, counts once. */
const withoutRepeats = (exports: readonly OutlinedExport[]): OutlinedExport[] => {
  const seen = new Set<string>();
  return exports.filter(({ name, kind, signature }) => {
    const key = JSON.stringify([name, kind, signature]);
    return !seen.has(key) && seen.add(key) !== undefined;
  });
};
