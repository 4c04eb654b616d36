import type { Path } from "./path.ts";
import { collectProblems, type ProblemReport } from "./problems.ts";
import { workflowLimits } from "./workflow-limits.ts";
import type { LoadedDocument } from "./yaml-document.ts";

const locate = () => undefined;

/** Copies a document that came through the API, with the same bounds as for a file. */
export function loadJson(input: unknown): LoadedDocument {
  const reports: ProblemReport[] = [];
  let values = 0;
  let bytes = 0;

  function copy(value: unknown, path: Path): unknown {
    values += 1;
    if (values > workflowLimits.documentValues || bytes > workflowLimits.documentBytes) return null;
    if (path.length > workflowLimits.documentDepth) {
      return refuse(path, `nested more than ${workflowLimits.documentDepth} levels deep`);
    }
    if (typeof value === "string") {
      bytes += Buffer.byteLength(value);
      return value;
    }
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    if (Array.isArray(value)) return value.map((item, i) => copy(item, [...path, i]));
    if (typeof value === "object") return copyObject(value as Record<string, unknown>, path);
    return refuse(path, `a value of type ${typeof value} is no JSON`);
  }

  function copyObject(object: Record<string, unknown>, path: Path): unknown {
    const copied: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(object)) {
      bytes += Buffer.byteLength(key);
      if (key === "__proto__") refuse([...path, key], `the key "${key}" is not allowed`);
      else if (value !== undefined) copied[key] = copy(value, [...path, key]);
    }
    return copied;
  }

  function refuse(path: Path, message: string): null {
    reports.push({ path, message });
    return null;
  }

  const document = copy(input, []);
  if (values > workflowLimits.documentValues) {
    refuse([], `the document has more than ${workflowLimits.documentValues} values`);
  }
  if (bytes > workflowLimits.documentBytes) {
    refuse([], `the workflow has more than ${workflowLimits.documentBytes} bytes`);
  }
  const problems = collectProblems(locate);
  for (const report of reports) problems.report(report);
  return { document, problems: problems.list(), locate };
}
