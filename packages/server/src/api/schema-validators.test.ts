import {
  AgentRegistration,
  agentOperations,
  limits,
  MusterError,
  TaskSubmission,
} from "@muster/sdk/protocol";
import Type, { type TSchema } from "typebox";
import { describe, expect, test } from "vitest";
import { createNamedSchemas } from "./named-schemas.ts";
import { createSchemaValidators } from "./schema-validators.ts";

const validators = () => createSchemaValidators(createNamedSchemas());

function mistake(
  schema: TSchema,
  value: unknown,
): { path: string; message: string; hint: string | undefined } {
  try {
    validators().body(schema)(value);
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    expect(error.code).toBe("invalid_request");
    const [first] = error.errors ?? [];
    return { path: first?.path ?? "", message: first?.message ?? error.message, hint: error.hint };
  }
  throw new Error("it was not refused");
}

const settle = agentOperations.settle.request;
const lease = {
  taskId: "0190163d-8694-739b-aea5-966c26f8ad91",
  leaseToken: "0190163d-8694-739b-aea5-966c26f8ad92",
};

describe("a body", () => {
  test.each<[string, TSchema, unknown, string, RegExp]>([
    ["a number as text", TaskSubmission, { timeoutMs: "5" }, "/timeoutMs", /integer/],
    ["an unknown field", TaskSubmission, { prioritee: "high" }, "/prioritee", /not a known field/],
    ["an unknown value", TaskSubmission, { priority: "urgent" }, "/priority", /critical, high, medium/],
    ["a bad name", TaskSubmission, { capability: "-x" }, "/capability", /pattern/],
    ["a field inside a list", TaskSubmission, { tools: ["a", 1] }, "/tools/1", /string/],
    ["a missing field", AgentRegistration, { name: "a" }, "/capabilities", /is missing/],
    ["a NUL in a key", TaskSubmission, { idempotencyKey: "a\u0000" }, "/idempotencyKey", /NUL/],
    ["a NUL in a ref", TaskSubmission, { ref: "\u0000" }, "/ref", /NUL/],
    ["a NUL in a dependency", TaskSubmission, { dependsOn: ["\u0000"] }, "/dependsOn/0", /NUL/],
    ["half a surrogate pair in a key", TaskSubmission, { ref: "\ud83d" }, "/ref", /surrogate/],
    ["a list instead of an object", TaskSubmission, [], "", /object/],
    ["nothing", TaskSubmission, undefined, "", /needs a JSON body/],
    ["null", TaskSubmission, null, "", /needs a JSON body/],
    ["a name with a slash", TaskSubmission, { "a/b~": 1 }, "/a~1b~0", /not a known field/],
  ])("is refused with %s", (_what, schema, value, path, message) => {
    const found = mistake(schema, value);
    expect(found.path).toBe(path);
    expect(found.message).toMatch(message);
  });

  test("of several shapes is measured by the one that was meant", () => {
    const failed = mistake(settle, { ...lease, outcome: { status: "failed", error: { code: "x" } } });
    expect(failed).toMatchObject({ path: "/outcome/error/message", message: "is missing" });
    const none = mistake(settle, { ...lease, outcome: { status: "done" } });
    expect(none).toMatchObject({ path: "/outcome/status", message: "must be one of completed, failed" });
  });

  test("names the fields that are known", () => {
    expect(mistake(TaskSubmission, { nope: 1 }).hint).toContain("capability, agent, ask, input");
  });

  test("may hold anything where its schema leaves it open", () => {
    const check = validators().body(TaskSubmission);
    expect(() => check({ input: { "\u0000": "\u0000\ud83d", list: [null, 1e300] } })).not.toThrow();
  });

  test("may hold text that was cut in the middle of a character", () => {
    const error = { code: "x", message: "cut \ud83d" };
    const check = validators().body(settle);
    expect(() => check({ ...lease, outcome: { status: "failed", error } })).not.toThrow();
  });

  test("is left as it is: no defaults, no conversion", () => {
    const body = { capability: "a", retry: {} };
    validators().body(TaskSubmission)(body);
    expect(body).toEqual({ capability: "a", retry: {} });
  });

  test("with very many mistakes costs one", () => {
    const check = validators().body(Type.Array(Type.Integer()));
    const body = Array.from({ length: 100_000 }, () => "x");
    expect(() => check(body)).toThrow(/\/0 must be integer/);
  });

  test("is quoted in part only", () => {
    const name = "x".repeat(limits.bodyBytes / 2);
    expect(mistake(TaskSubmission, { [name]: 1 }).path.length).toBeLessThan(120);
  });
});

describe("an address", () => {
  const Query = Type.Object(
    { limit: Type.Optional(Type.Integer({ minimum: 1, default: 50 })), name: Type.Optional(Type.String()) },
    { additionalProperties: false },
  );

  test("has its numbers read from text and its defaults filled in", () => {
    const query: Record<string, unknown> = { limit: "7" };
    validators().text(Query)(query);
    expect(query).toEqual({ limit: 7 });
    const empty = {};
    validators().text(Query)(empty);
    expect(empty).toEqual({ limit: 50 });
  });

  test.each([
    [{ limit: "x" }],
    [{ limit: "" }],
    [{ limit: ["1", "2"] }],
    [{ name: "a\u0000" }],
    [{ other: "1" }],
  ])("is refused with %j", (query) => {
    expect(() => validators().text(Query)(query)).toThrow(MusterError);
  });
});

describe("named schemas", () => {
  test("stand apart, with references between them", () => {
    const named = createNamedSchemas();
    const Part = Type.Object({ a: Type.String() }, { $id: "Part" });
    const Whole = Type.Object({ one: Part, many: Type.Array(Part) }, { $id: "Whole" });
    expect(named.refer(Whole)).toEqual({ $ref: "Whole#" });
    expect(named.all().map(({ $id }) => $id)).toEqual(["Whole", "Part"]);
    expect(named.all()[0]).toMatchObject({
      properties: { one: { $ref: "Part#" }, many: { items: { $ref: "Part#" } } },
    });
  });

  test("refuse two schemas of one name", () => {
    const named = createNamedSchemas();
    named.refer(Type.String({ $id: "Part" }));
    expect(() => named.refer(Type.Integer({ $id: "Part" }))).toThrow("Part");
  });
});
