import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { expectRefused, nobody, useTarget } from "./support/hostile-client.ts";
import type { RawCall } from "./support/raw-client.ts";

// Requests that are JSON and wrong: each gets an error that names the mistake, and leaves nothing behind.

const target = useTarget();
const capability = "echo";
const capabilities = [{ name: "c" }];

describe("what is refused leaves nothing behind", () => {
  let before: object;
  beforeEach(async () => {
    before = await target.traces();
  });
  afterEach(async () => {
    expect(await target.traces()).toEqual(before);
  });

  /** Refused, and what the error says names the mistake. */
  async function expectNamed(request: RawCall, status: number, code: string, mistake: RegExp): Promise<void> {
    const problem = await expectRefused(target, request, status, code);
    expect(`${problem.detail} ${JSON.stringify(problem.errors ?? "")}`).toMatch(mistake);
  }

  test.each<[string, unknown, RegExp]>([
    ["a number for a text", { capability: 1 }, /capability/],
    ["a text for a number", { capability, timeoutMs: "1" }, /timeoutMs/],
    ["a negative time", { capability, delayMs: -1 }, /delayMs/],
    ["an unknown field", { capabillity: "a" }, /capabillity/],
    ["a priority that is none", { capability, priority: "urgent" }, /priority/],
    ["neither capability nor agent", { input: 1 }, /capability/],
    ["a bad one among good ones", { tasks: [{ capability }, { capability: "" }] }, /1/],
    ["the same ref twice", { tasks: [1, 2].map(() => ({ ref: "twin", capability })) }, /twin/],
    ["more than fit", { tasks: Array.from({ length: 10_001 }, () => ({ capability })) }, /10.?000/],
    ["a list", [{ capability }], /./],
    ["null", null, /./],
  ])("a task: %s", (_what, body, mistake) =>
    expectNamed({ path: "/v1/tasks", key: target.keys.client, body }, 400, "invalid_request", mistake),
  );

  test.each<[string, unknown, string, RegExp]>([
    ["an unknown one", [{ capability, dependsOn: ["ghost"] }], "unknown_dependency", /ghost/],
    [
      "another task's id that is none",
      [{ capability, dependsOn: [nobody] }],
      "unknown_dependency",
      /0190163d/,
    ],
    ["itself", [{ ref: "ego", capability, dependsOn: ["ego"] }], "cycle", /ego/],
    [
      "each other",
      [
        { ref: "hen", capability, dependsOn: ["egg"] },
        { ref: "egg", capability, dependsOn: ["hen"] },
      ],
      "cycle",
      /hen.*egg|egg.*hen/,
    ],
  ])("a task that depends on %s", (_what, tasks, code, mistake) =>
    expectNamed({ path: "/v1/tasks", key: target.keys.client, body: { tasks } }, 422, code, mistake),
  );

  test.each<[string, unknown, RegExp]>([
    ["a number", 7, /./],
    ["an unknown key", { name: "w", steps: { a: { capability, whit: {} } } }, /whit/],
    ["a cycle", { name: "w", steps: { ego: { capability, needs: ["ego"] } } }, /ego/],
    ["an unknown step", { name: "w", steps: { a: { capability, needs: ["ghost"] } } }, /ghost/],
    ["a bad expression", { name: "w", steps: { a: { capability, when: "${{ 1 + }}" } } }, /when/],
    ["no steps", { name: "w", steps: {} }, /steps/],
  ])("a workflow that is or has %s", (_what, workflow, mistake) =>
    expectNamed(
      { path: "/v1/runs", key: target.keys.client, body: { workflow } },
      422,
      "invalid_workflow",
      mistake,
    ),
  );

  test.each<[string, Record<string, unknown>, RegExp]>([
    ["a missing input", {}, /place/],
    ["an input of a wrong type", { place: 1 }, /place/],
    ["an unknown input", { place: "here", plaice: "fish" }, /plaice/],
  ])("a run with %s", (_what, inputs, mistake) => {
    const workflow = { name: "w", inputs: { place: { type: "string" } }, steps: { a: { capability } } };
    const body = { workflow, inputs };
    return expectNamed({ path: "/v1/runs", key: target.keys.client, body }, 422, "invalid_input", mistake);
  });

  const withSchema = (inputSchema: unknown) => ({ name: "a", capabilities: [{ name: "c", inputSchema }] });
  test.each<[string, unknown, RegExp]>([
    ["no name", { capabilities }, /name/],
    ["an id like a path", { id: "../x", name: "a", capabilities }, /id/],
    ["no room for a task", { name: "a", capabilities, maxConcurrency: 0 }, /maxConcurrency/],
    ["the same capability twice", { name: "a", capabilities: [...capabilities, ...capabilities] }, /twice/],
    ["a schema that is none", withSchema({ type: "nothing" }), /inputSchema/],
    ["a schema that points elsewhere", withSchema({ $ref: "http://127.0.0.1/x" }), /inputSchema/],
    ["a pattern that could take for ever", withSchema({ pattern: "(a+)+$" }), /pattern/],
  ])("an agent with %s", (_what, body, mistake) =>
    expectNamed({ path: "/v1/agents", key: target.keys.agent, body }, 400, "invalid_request", mistake),
  );

  test.each<[string, string, string, number, string, RegExp]>([
    ["an unknown task", "GET", `/v1/tasks/${nobody}`, 404, "not_found", /0190163d/],
    ["an unknown run", "GET", `/v1/runs/${nobody}`, 404, "not_found", /0190163d/],
    ["an unknown agent", "GET", "/v1/agents/ghost", 404, "not_found", /ghost/],
    ["an unknown address", "GET", "/v1/nothing", 404, "not_found", /nothing/],
    ["an id that is none", "POST", "/v1/tasks/1/cancel", 400, "invalid_request", /id/],
    ["a filter that is none", "GET", "/v1/tasks?statsu=ready", 400, "invalid_request", /statsu/],
    ["a method that is not possible", "DELETE", "/v1/tasks", 405, "method_not_allowed", /DELETE/],
  ])("%s", (_what, method, path, status, code, mistake) =>
    expectNamed({ path, method, key: target.keys.client }, status, code, mistake),
  );
});
