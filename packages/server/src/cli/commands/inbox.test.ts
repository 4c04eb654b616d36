import type { Client } from "@muster/sdk";
import type { InboxAnswer, InboxItem } from "@muster/sdk/protocol";
import { describe, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { createFakeClient } from "../../test/fake-client.ts";
import { runCli } from "../run-cli.ts";

const env = { MUSTER_URL: "http://127.0.0.1:6878", MUSTER_API_KEY: "k" };
const taskId = "0199aa41-7c1e-7000-8000-000000000001";

function itemOf(overrides: Partial<InboxItem> = {}): InboxItem {
  return {
    taskId,
    tenant: "default",
    kind: "question",
    question: "How many?",
    schema: { type: "string" },
    capability: null,
    to: { person: "anna" },
    escalatedTo: null,
    priority: "medium",
    input: {},
    runId: null,
    parentId: null,
    claimedBy: null,
    claimedUntil: null,
    declinedBy: [],
    reminders: 0,
    expiresAt: null,
    createdAt: "2026-01-01T00:00:00.000Z",
    ...overrides,
  };
}

/** Runs a command line on an inbox with one item; `typed` is what comes on standard input. */
async function muster(argv: string[], item: InboxItem, typed = "") {
  const answers: InboxAnswer[] = [];
  const inbox: Partial<Client["inbox"]> = {
    list: async () => ({ items: [item], next: null }),
    get: async () => item,
    answer: async (id, request) => {
      answers.push(request);
      return { taskId: id, status: "completed", by: "anna", claimedUntil: null };
    },
  };
  const context = createFakeCliContext({
    env,
    createClient: async () => createFakeClient({ inbox }),
    stdin: async function* () {
      for (const character of typed) yield new TextEncoder().encode(character);
    },
  });
  const exitCode = await runCli(["inbox", ...argv], context);
  return { exitCode, answers, out: context.stdout.text(), err: context.stderr.text() };
}

describe("inbox answer as a form", () => {
  test("asks for every field as the schema says, and again for what does not fit", async () => {
    const schema = {
      type: "object",
      properties: {
        amount: { type: "integer", title: "How many" },
        size: { enum: ["small", "large"] },
        urgent: { type: "boolean" },
        tags: { type: "array", items: { type: "string" } },
        note: { type: "string", description: "For the supplier." },
        extra: { type: "object", properties: { x: { type: "number" } } },
      },
      required: ["amount", "size", "urgent", "tags"],
    };
    const typed = "many\n1.5\n12\n3\n2\nperhaps\ny\nred\nblue\n\n\nn\n";
    const { exitCode, answers, out, err } = await muster(["answer", taskId], itemOf({ schema }), typed);
    expect(err).toContain("that is no integer");
    expect(answers).toEqual([{ answer: { amount: 12, size: "large", urgent: true, tags: ["red", "blue"] } }]);
    expect(out).toBe(`answered by anna: task ${taskId} is completed\n`);
    expect(exitCode).toBe(0);
  });

  test.each<[string, InboxItem["schema"], string, unknown]>([
    ["a text", { type: "string" }, "twelve of them\n", "twelve of them"],
    ["a number", { type: "number" }, "1e3\n", 1000],
    [
      "named choices",
      {
        oneOf: [
          { const: 1, title: "one" },
          { const: 2, title: "two" },
        ],
      },
      "two\n",
      2,
    ],
    ["anything, as JSON", true, '{oops\n{"a": [1]}\n', { a: [1] }],
    ["what a form can't ask for, as JSON", { type: "array", items: { type: "array" } }, "[[1]]\n", [[1]]],
  ])("takes %s", async (_, schema, typed, value) => {
    const { answers } = await muster(["answer", taskId, "--as", "anna"], itemOf({ schema }), typed);
    expect(answers).toEqual([{ as: "anna", answer: value }]);
  });

  test("asks for a yes or a no, and why", async () => {
    const schema = {
      type: "object",
      properties: {
        approved: { type: "boolean", title: "Approve?" },
        reason: { type: "string", title: "Why" },
      },
      required: ["approved"],
    };
    const item = itemOf({ kind: "approval", schema });
    expect((await muster(["answer", taskId], item, "n\nnot on a Friday\n")).answers).toEqual([
      { answer: { approved: false, reason: "not on a Friday" } },
    ]);
    expect((await muster(["answer", taskId, "--yes"], item)).answers).toEqual([
      { answer: { approved: true } },
    ]);
    expect((await muster(["answer", taskId, "--no", "--reason", "no"], item)).answers).toEqual([
      { answer: { approved: false, reason: "no" } },
    ]);
  });

  test("gives up without an answer where the input ends", async () => {
    const { exitCode, answers, err } = await muster(["answer", taskId], itemOf(), "");
    expect(err).toContain("there is no answer");
    expect([exitCode, answers]).toEqual([2, []]);
  });

  test("lets nothing of a hostile question reach the terminal but its letters", async () => {
    const evil = "\u001b]0;owned\u0007\u001b[2J\u202eyes\u0000";
    const schema = {
      type: "object",
      properties: { [`a${evil}`]: { type: "string", title: `Title${evil}`, description: `About${evil}` } },
      required: [`a${evil}`],
    };
    const item = itemOf({ question: `Sure?${evil}`, schema, input: { evil }, to: { capability: "x" } });
    for (const argv of [["answer", taskId], ["show", taskId], ["list"]]) {
      const { out, err } = await muster(argv, item, "x\n");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
      expect(out + err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
      expect(out + err).toContain("Sure?");
    }
  });
});

describe("inbox list and show", () => {
  test("show what waits, for whom, and since when", async () => {
    const { out } = await muster(["list"], itemOf());
    expect(out).toContain("How many?");
    expect(out).toContain("anna");
    expect(JSON.parse((await muster(["show", taskId, "--json"], itemOf())).out)).toEqual(itemOf());
  });

  test.each([
    [["answer", taskId, "--answer", "{"], "--answer is not JSON"],
    [["answer", taskId, "--reason", "x"], "--reason goes with"],
    [["delegate", taskId], "to whom?"],
    [["claim", taskId, "--for", "soon"], "wants a duration"],
  ])("%j is used wrongly", async (argv, sentence) => {
    const { exitCode, err } = await muster(argv, itemOf());
    expect(err).toContain(sentence);
    expect(exitCode).toBe(2);
  });
});

describe("inbox share", () => {
  const counts = { finished: 4, withPeople: 1, share: 0.75 };
  const calls: unknown[] = [];
  async function share(...argv: string[]) {
    calls.length = 0;
    const inbox: Partial<Client["inbox"]> = {
      share: async (options) => {
        calls.push(["share", options]);
        return { since: "2030-01-01T00:00:00.000Z", ...counts, waiting: 2 };
      },
      history: async (filter) => {
        calls.push(["history", filter]);
        const items =
          filter?.by === "capability"
            ? ["review", "", "*"].map((capability) => ({ day: null, capability, ...counts }))
            : [{ day: "2030-01-02", capability: null, finished: 9_999, withPeople: 1, share: 9_998 / 9_999 }];
        return { from: "2029-12-04", to: "2030-01-02", ...counts, items };
      },
    };
    const context = createFakeCliContext({ env, createClient: async () => createFakeClient({ inbox }) });
    const exitCode = await runCli(["inbox", "share", ...argv], context);
    return { exitCode, out: context.stdout.text(), err: context.stderr.text() };
  }

  test("says it of the tasks that are kept", async () => {
    const { out } = await share("--since", "7d");
    expect(calls).toEqual([["share", { sinceMs: 7 * 86_400_000 }]]);
    expect(out).toBe("finished without a person: 75.0 % (3 of 4 tasks; 2 questions wait)\n");
  });

  test("says it day by day, and never rounds up to all", async () => {
    const { out } = await share("--days", "90", "--capability", "review");
    expect(calls).toEqual([["history", { days: 90, capability: "review" }]]);
    expect(out).toBe(
      "DAY         FINISHED  WITH PEOPLE  WITHOUT\n" +
        "2030-01-02      9999            1   99.9 %\n" +
        "2029-12-04 to 2030-01-02: finished without a person: 75.0 % (3 of 4 tasks)\n",
    );
  });

  test("says it by capability, also of tasks that name none, and as JSON", async () => {
    const { out } = await share("--by", "capability");
    expect(out.split("\n").map((line) => line.split(/ {2,}/)[0])).toEqual([
      "CAPABILITY",
      "review",
      "(none named)",
      "(others)",
      "2029-12-04 to 2030-01-02: finished without a person: 75.0 % (3 of 4 tasks)",
      "",
    ]);
    const { out: json } = await share("--by", "capability", "--json");
    expect(JSON.parse(json).items).toHaveLength(3);
  });

  test("does not mix the two", async () => {
    expect(await share("--since", "7d", "--days", "3")).toMatchObject({ exitCode: 2 });
    expect(await share("--days", "0")).toMatchObject({ exitCode: 2 });
    expect(calls).toEqual([]);
  });
});
