import type { Operand, Pipeline, TemplateNode } from "./parse-template.ts";
import { isEmpty, print, templateFunctions } from "./template-functions.ts";

interface Scope {
  dot: unknown;
  /** `$` and what was assigned, by name. */
  variables: ReadonlyMap<string, unknown>;
}

/**
 * Renders a parsed template as Go would. Stricter than Go: a field that is not there is an error, where Go prints
 * nothing, since that is a slip in the chart.
 */
export function renderTemplate(
  nodes: readonly TemplateNode[],
  data: unknown,
  defined: ReadonlyMap<string, TemplateNode[]>,
): string {
  return renderNodes(nodes, { dot: data, variables: new Map([["$", data]]) });

  function renderNodes(list: readonly TemplateNode[], outer: Scope): string {
    let scope = outer;
    let text = "";
    for (const node of list) {
      if (node.kind === "assign") {
        const value = evaluate(node.pipeline, scope);
        scope = { ...scope, variables: new Map(scope.variables).set(node.variable, value) };
      } else text += renderNode(node, scope);
    }
    return text;
  }

  function renderNode(node: Exclude<TemplateNode, { kind: "assign" }>, scope: Scope): string {
    if (node.kind === "text") return node.text;
    const value = evaluate(node.pipeline, scope);
    if (node.kind === "output") return print(value);
    if (node.kind === "range") return renderRange(node, value, scope);
    if (isEmpty(value)) return renderNodes(node.otherwise, scope);
    return renderNodes(node.body, node.kind === "with" ? { ...scope, dot: value } : scope);
  }

  function renderRange(node: TemplateNode & { kind: "range" }, value: unknown, scope: Scope): string {
    return entriesOf(value)
      .map(([key, item]) => {
        const variables = new Map(scope.variables);
        const [first, second] = node.variables;
        if (second !== undefined) variables.set(first as string, key).set(second, item);
        else if (first !== undefined) variables.set(first, item);
        return renderNodes(node.body, { dot: item, variables });
      })
      .join("");
  }

  function evaluate(pipeline: Pipeline, scope: Scope): unknown {
    let result: unknown;
    pipeline.forEach((stage, index) => {
      const [head, ...rest] = stage as [Operand, ...Operand[]];
      const values = rest.map((operand) => resolve(operand, scope));
      if (index > 0) values.push(result);
      if (head.kind === "function") result = call(head.name, values);
      else if (values.length === 0) result = resolve(head, scope);
      else throw new Error("a value was called like a function");
    });
    return result;
  }

  function resolve(operand: Operand, scope: Scope): unknown {
    if (operand.kind === "literal") return operand.value;
    if (operand.kind === "group") return evaluate(operand.pipeline, scope);
    if (operand.kind === "function") return call(operand.name, []);
    const { variable, fields } = operand;
    if (variable !== "" && !scope.variables.has(variable)) throw new Error(`${variable} was never set`);
    const start = variable === "" ? scope.dot : scope.variables.get(variable);
    return fields.reduce((value, field, index) => {
      if (typeof value === "object" && value !== null && field in value) {
        return (value as Record<string, unknown>)[field];
      }
      throw new Error(`.${fields.slice(0, index + 1).join(".")} is not there`);
    }, start);
  }

  function call(name: string, values: unknown[]): unknown {
    if (name === "include") {
      const body = defined.get(values[0] as string);
      if (body === undefined) throw new Error(`no template is called ${values[0]}`);
      return renderTemplate(body, values[1], defined);
    }
    const one = templateFunctions[name];
    if (one === undefined) throw new Error(`the function ${name} is not known here`);
    return one(...(values as never[]));
  }
}

/** Go goes through a map in the order of its keys. */
function entriesOf(value: unknown): [unknown, unknown][] {
  if (Array.isArray(value)) return [...value.entries()];
  const entries = Object.entries((value ?? {}) as Record<string, unknown>);
  return entries.sort(([a], [b]) => (a < b ? -1 : 1));
}
