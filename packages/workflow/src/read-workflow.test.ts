import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { parseWorkflow, readWorkflow } from "./read-workflow.ts";
import { WorkflowDocument } from "./workflow-schema.ts";

const full = `
name: Review a repository
description: Finds faults.
inputs:
  path: { type: string, default: "." }
  depth: { type: integer, required: false }
  options:
    type: object
    required: [strict]
    properties: { strict: { type: boolean } }
steps:
  list:
    capability: file_listing
    with: { path: "\${{ inputs.path }}" }
  review:
    capability: code_review
    needs: list
    for-each: steps.list.output.files
    with:
      file: \${{ item }}
      label: "\${{ index + 1 }} of \${{ size(steps.list.output.files) }}"
    retry: { attempts: 3, delay: 500ms, factor: 3, max-delay: 1m30s, jitter: 0 }
    timeout: 2.5
    priority: high
    output: \${{ result.filter(r, r != null) }}
  report:
    capability: writing
    agent: writer
    needs: [list, review]
    join: settled
    when: \${{ steps.review.status == "completed" }}
    retry: 2
    timeout: 1h
    with: \${{ steps.review.output }}
output: { report: "\${{ steps.report.output }}" }
`;

describe("a workflow file", () => {
  it("is read with every default filled in", () => {
    const { workflow, problems } = parseWorkflow(full);
    expect(problems).toEqual([]);
    const absent = { agent: undefined, forEach: undefined, when: undefined, output: undefined };
    expect(workflow).toEqual({
      name: "Review a repository",
      description: "Finds faults.",
      inputs: {
        type: "object",
        properties: {
          path: { type: "string", default: "." },
          depth: { type: "integer" },
          options: { type: "object", required: ["strict"], properties: { strict: { type: "boolean" } } },
        },
        required: ["options"],
        additionalProperties: false,
      },
      steps: [
        {
          ...absent,
          name: "list",
          capability: "file_listing",
          with: { path: "${{ inputs.path }}" },
          needs: [],
          join: "all",
          retry: undefined,
          timeoutMs: undefined,
          priority: undefined,
        },
        {
          ...absent,
          name: "review",
          capability: "code_review",
          with: { file: "${{ item }}", label: "${{ index + 1 }} of ${{ size(steps.list.output.files) }}" },
          needs: ["list"],
          forEach: "${{ steps.list.output.files }}",
          join: "all",
          retry: { maxAttempts: 3, delayMs: 500, factor: 3, maxDelayMs: 90_000, jitter: 0 },
          timeoutMs: 2_500,
          priority: "high",
          output: "${{ result.filter(r, r != null) }}",
        },
        {
          ...absent,
          name: "report",
          capability: "writing",
          agent: "writer",
          with: "${{ steps.review.output }}",
          needs: ["list", "review"],
          when: 'steps.review.status == "completed"',
          join: "settled",
          retry: { maxAttempts: 2 },
          timeoutMs: 3_600_000,
          priority: undefined,
        },
      ],
      output: { report: "${{ steps.report.output }}" },
    });
  });

  it("means the same as the document that it gives for sending", () => {
    const { workflow, document } = parseWorkflow(full);
    expect(readWorkflow(JSON.parse(JSON.stringify(document))).workflow).toEqual(workflow);
  });

  it("may use aliases, braces around nothing but an expression, and a literal list", () => {
    const { workflow, problems } = parseWorkflow(`
      name: x
      steps:
        a: { capability: c, with: &defaults { depth: 1 }, when: true }
        b: { capability: c, with: *defaults, for-each: [1, "\${{ run.id }}"], when: "\${{ true }}" }
        c: { agent: someone, for-each: "\${{ [1, 2] }}", when: false }
    `);
    expect(problems).toEqual([]);
    expect(workflow?.steps.map((step) => [step.when, step.forEach, step.with])).toEqual([
      ["true", undefined, { depth: 1 }],
      ["true", [1, "${{ run.id }}"], { depth: 1 }],
      ["false", "${{ [1, 2] }}", undefined],
    ]);
  });

  it("may use what a step needs through another", () => {
    const { problems } = parseWorkflow(`
      name: x
      steps:
        c: { capability: k, needs: b, with: "\${{ steps.a.output }} \${{ steps['b'].status }}" }
        b: { capability: k, needs: a }
        a: { capability: k }
    `);
    expect(problems).toEqual([]);
  });

  it("knows the names that macros bring in", () => {
    const { problems } = parseWorkflow(`
      name: x
      inputs: { list: { type: array, default: [] } }
      steps:
        a:
          capability: k
          with:
            a: "\${{ inputs.list.map(item, item + 1) }}"
            b: "\${{ inputs.list.filter(x, inputs.list.exists(y, y == x)) }}"
            c: "\${{ cel.bind(total, size(inputs.list), total * total) }}"
    `);
    expect(problems).toEqual([]);
  });

  it("may hold a thousand steps in one chain", () => {
    const steps = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, i) => [
        `s${i}`,
        { capability: "c", ...(i === 0 ? {} : { needs: `s${i - 1}` }) },
      ]),
    );
    expect(readWorkflow({ name: "x", steps }).problems).toEqual([]);
    const more = { ...steps, more: { capability: "c" } };
    expect(readWorkflow({ name: "x", steps: more }).problems[0]?.message).toBe(
      '"steps" must not have more than 1000 entries',
    );
  });
});

/** Needs as a list of earlier steps for each step, so there is no cycle. */
const acyclicNeeds = fc
  .integer({ min: 1, max: 25 })
  .chain((count) =>
    fc.tuple(
      ...Array.from({ length: count }, (_, i) => (i === 0 ? fc.constant([]) : fc.uniqueArray(fc.nat(i - 1)))),
    ),
  );

const documentOf = (needs: readonly (readonly number[])[]) => ({
  name: "x",
  steps: Object.fromEntries(
    needs.map((list, i) => [`s${i}`, { capability: "c", needs: list.map((need) => `s${need}`) }]),
  ),
});

describe("whatever the graph", () => {
  it("one without a cycle is accepted, in any order of the file", () => {
    fc.assert(
      fc.property(acyclicNeeds, fc.infiniteStream(fc.nat()), (needs, order) => {
        const document = documentOf(needs);
        const shuffled = Object.entries(document.steps)
          .map((entry) => ({ entry, key: order.next().value }))
          .sort((a, b) => Number(a.key) - Number(b.key))
          .map(({ entry }) => entry);
        const text = stringify({ ...document, steps: Object.fromEntries(shuffled) });
        expect(parseWorkflow(text).problems).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it("one with a cycle is refused, and the path that is named is a cycle", () => {
    const withCycle = acyclicNeeds
      .filter((needs) => needs.length > 1)
      .chain((needs) =>
        fc
          .uniqueArray(fc.nat(needs.length - 1), { minLength: 2, maxLength: 6 })
          .map((cycle) => ({ needs, cycle })),
      );
    fc.assert(
      fc.property(withCycle, ({ needs, cycle }) => {
        const all = needs.map((list) => new Set(list));
        cycle.forEach((step, i) => {
          all[step]!.add(cycle[(i + 1) % cycle.length]!);
        });
        const document = documentOf(all.map((list) => [...list]));
        const { workflow, problems } = readWorkflow(document);
        expect(workflow).toBeUndefined();
        expect(problems.length).toBeGreaterThan(0);
        for (const { message } of problems) {
          const path = message.replace(/^.*circle: /, "").split(" → ");
          expect(path.length).toBeGreaterThan(2);
          expect(path.at(-1)).toBe(path[0]);
          for (let i = 0; i + 1 < path.length; i++) {
            expect(document.steps[path[i]!]!.needs).toContain(path[i + 1]);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("whatever the text", () => {
  it("reading never throws, and gives either a workflow or problems with a place", () => {
    const lines = fc.constantFrom(
      "name: x",
      "steps:",
      "  a:",
      "    capability: c",
      "    needs: [a]",
      "    with: ${{ item }}",
      "- x",
      "  b: *a",
      "&a",
      "{",
      "}",
      '"',
      "  : :",
      "\t",
      "inputs:",
      "  p: {type: string}",
      "? [",
      "---",
      "    when: ${{ steps.",
    );
    const text = fc.oneof(
      fc.array(lines, { maxLength: 12 }).map((parts) => parts.join("\n")),
      fc.string(),
    );
    fc.assert(
      fc.property(text, (source) => {
        const { workflow, problems } = parseWorkflow(source);
        expect(workflow === undefined).toBe(problems.length > 0);
        for (const { line, column } of problems) expect(Math.min(line!, column!)).toBeGreaterThan(0);
      }),
      { numRuns: 1_000 },
    );
  });

  it("reading JSON never throws", () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
        (document) => {
          const { workflow, problems } = readWorkflow(document);
          expect(workflow === undefined).toBe(problems.length > 0);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("the published JSON Schema", () => {
  it("is the schema that the checks start from", async () => {
    await expect(`${JSON.stringify(WorkflowDocument, null, 2)}\n`).toMatchFileSnapshot(
      "../workflow.schema.json",
    );
  });

  it("accepts what the checks accept", () => {
    const validate = new Ajv({ strict: false }).compile(WorkflowDocument);
    expect(validate(parseWorkflow(full).document)).toBe(true);
    expect(validate({ name: "x", steps: { a: { with: 1 } } })).toBe(false);
  });
});
