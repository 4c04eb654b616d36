import { didYouMean } from "./closest-name.ts";
import { type InputError, validateInputs } from "./input-schema.ts";
import { isObject, memberOf } from "./path.ts";
import { collectProblems } from "./problems.ts";
import type { Workflow, WorkflowProblem } from "./workflow.ts";

/** Fills in defaults and checks inputs against the schemas of a workflow. The given object stays as it is. */
export function checkInputs(
  workflow: Pick<Workflow, "inputs">,
  inputs: Record<string, unknown>,
): { inputs: Record<string, unknown>; problems: WorkflowProblem[] } {
  const problems = collectProblems(() => undefined);
  const schemas = schemasOf(workflow);
  const filled = Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== undefined));
  for (const name of Object.keys(filled)) {
    if (!schemas.has(name)) problems.report({ ...unknownInput(name, schemas), path: ["inputs", name] });
  }
  for (const [name, schema] of schemas) {
    if (Object.hasOwn(filled, name)) continue;
    if (Object.hasOwn(schema, "default")) filled[name] = structuredClone(schema.default);
    else if (isRequired(workflow, name)) problems.report(missingInput(name, schema));
  }
  if (problems.count === 0) {
    for (const error of validateInputs(workflow.inputs, filled)) problems.report(describe(error));
  }
  return { inputs: filled, problems: problems.list() };
}

function describe({ name, message }: InputError) {
  if (name === undefined) return { message, path: ["inputs"] };
  return { message: `the input "${name}" is wrong: ${message}`, path: ["inputs", name] };
}

/** The schema of each input by name. */
export function schemasOf(workflow: Pick<Workflow, "inputs">): Map<string, Record<string, unknown>> {
  const properties = workflow.inputs.properties;
  const schemas = Object.entries(isObject(properties) ? properties : {});
  return new Map(schemas.map(([name, schema]) => [name, isObject(schema) ? schema : {}]));
}

const isRequired = (workflow: Pick<Workflow, "inputs">, name: string) =>
  Array.isArray(workflow.inputs.required) && workflow.inputs.required.includes(name);

export function unknownInput(name: string, schemas: ReadonlyMap<string, unknown>) {
  const names = [...schemas.keys()];
  const fallback = names.length === 0 ? "the workflow has no inputs" : `there are: ${names.join(", ")}`;
  return { message: `there is no input "${name}"`, hint: didYouMean(name, names, fallback) };
}

function missingInput(name: string, schema: Record<string, unknown>) {
  const description = memberOf(schema, "description");
  const hint = typeof description === "string" ? description : undefined;
  return { message: `the input "${name}" is missing`, hint, path: ["inputs", name] };
}
