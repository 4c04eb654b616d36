/** An expression that can't be parsed or evaluated: the only error that evaluating a template can throw. */
export class ExpressionError extends Error {
  /** The expression as the file has it, without `${{` and `}}`; empty where the template as such is wrong. */
  readonly expression: string;
  /** What is wrong, without the expression; `message` names both. */
  readonly reason: string;
  readonly hint: string | undefined;
  /** Where in the expression, counted from 0, if that is known. */
  readonly offset: number | undefined;

  constructor(
    reason: string,
    expression: string,
    details: { hint?: string | undefined; offset?: number | undefined } = {},
  ) {
    super(expression === "" ? reason : `\${{ ${shorten(expression.trim())} }}: ${reason}`);
    this.name = "ExpressionError";
    this.expression = expression;
    this.reason = reason;
    this.hint = details.hint;
    this.offset = details.offset;
  }
}

const shorten = (text: string) => (text.length > 200 ? `${text.slice(0, 200)}…` : text);
