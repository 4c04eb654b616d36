/**
 * The bounds of the workflow language. Whatever is beyond one is refused with an error that names it, so no
 * file and no expression can take the orchestrator's memory or time.
 */
export const workflowLimits = {
  /** Bytes of a workflow file, or of the JSON text of a workflow document. */
  documentBytes: 256 * 1024,
  /** Values in a document, counted after its YAML aliases are resolved. */
  documentValues: 100_000,
  /** YAML aliases in one file. */
  aliases: 100,
  /** Levels of nesting in a document. */
  documentDepth: 64,
  /** Steps of one workflow. */
  steps: 1_000,
  /** Inputs of one workflow. */
  inputs: 200,
  /** Characters of one expression. */
  expressionLength: 4_096,
  /** Nodes of the syntax tree of one expression. */
  expressionNodes: 1_000,
  /** Levels of parentheses, brackets and calls in one expression. */
  expressionDepth: 50,
  /** Items of a list that a macro such as `map` goes over, and of a `for-each`. */
  iteratedItems: 10_000,
  /** Units of work for all expressions of one template; a unit takes some tens of nanoseconds. */
  evaluationUnits: 1_000_000,
  /** Longest time that checking inputs against their schemas may take, as a pattern can backtrack for ever. */
  inputCheckMs: 1_000,
  /** Problems that are reported for one document. */
  problems: 100,
} as const;
