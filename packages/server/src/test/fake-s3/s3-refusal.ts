/** A refusal in the words of S3. */
export class S3Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, details: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => escapes[c] as string);

type Xml = string | number | boolean | { [name: string]: Xml | Xml[] | undefined };

/** A document with one root; a list becomes as many elements of its name. */
export function toXml(root: string, content: Xml): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(root, content)}`;
}

function element(name: string, content: Xml): string {
  if (typeof content !== "object") return `<${name}>${escaped(String(content))}</${name}>`;
  const inner = Object.entries(content).flatMap(([child, value]) =>
    value === undefined ? [] : [value].flat().map((one) => element(child, one)),
  );
  return `<${name}>${inner.join("")}</${name}>`;
}

export const refusalXml = ({ code, message, details }: S3Refusal, resource: string): string =>
  toXml("Error", { Code: code, Message: message, Resource: resource, RequestId: "fake", ...details });
