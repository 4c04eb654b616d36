/** What a tool tells the model when it can't do what was asked: the cause, and what to do instead. */
export class ToolError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ToolError";
  }
}
