import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { claudeBounds } from "./bounds.ts";
import { readAgent } from "./read-agent.ts";
import { readPrompt } from "./read-prompt.ts";

/** Laws over files with the oddities of files that people publish, in any mixture. */
const tools = fc.subarray(["Read", "Grep", "Glob", "Write", "Edit", "Bash", "WebFetch", "mcp__shop__buy"], {
  minLength: 1,
});
const name = fc.oneof(
  fc.constantFrom(
    "mechanic",
    "code-reviewer",
    "Code Reviewer",
    "wheel_builder",
    "-x",
    "a:b",
    "über-mechanik",
    "42",
  ),
  fc.string({ maxLength: 12 }),
);
const prose = fc.constantFrom(
  "Mends bicycles.",
  "Use it when: a wheel is bent",
  "Examples:\n<example>\nContext: flat\nuser: \"it is: flat\"\nassistant: 'so'\n</example>",
  "|\n  first\n  second",
  '"unclosed',
  "one\\ntwo # three",
  "- a\n- b",
  "",
);
const toolLine = (list: readonly string[]) =>
  fc.constantFrom(
    `tools: ${list.join(", ")}`,
    `tools: [${list.join(", ")}]`,
    `tools: ${JSON.stringify(list)}`,
    `tools: "${list.join(",")}"`,
    `tools:\n${list.map((one) => `  - ${one}`).join("\n")}`,
    `tools:\n${list.map((one) => `- ${one}`).join("\n")}`,
    `tools: [${list.join(", ")}`,
    `"tools": ${list.join(" ,")}`,
    `\ttools: ${list.join(", ")}`,
    `tools:\n${list.map((one) => `${one}:`).join("\n")}`,
  );
const noise = fc.constantFrom(
  'color: "#FF6B35"',
  "priority: high",
  'hooks:\n  pre: |\n    echo "starting: $TASK"\n  post: echo done',
  "capabilities:\n  - one_thing\n  - other thing",
  "model: Claude Sonnet (new)",
  "triggers: {keywords: [a, b], pattern: '**/*.ts'}",
  "@weird: line",
  "maxTurns: 3",
  "\u0000bell\u0007: x",
  "anchor: &a [*a, *a]",
  "name: again",
);
const wrap = fc.constantFrom<(front: string, body: string) => string>(
  (front, body) => `---\n${front}\n---\n\n${body}`,
  (front, body) => `\ufeff---\r\n${front.replaceAll("\n", "\r\n")}\r\n---\r\n${body}`,
  (front, body) => `\n\n---\n${front}\n----\n${body}`,
  (front, body) => `\`\`\`\n---\n${front}\n---\n${body}\n\`\`\``,
  (front, body) => `---\n${front}\n\n# ${body}`,
  (front, body) => `---\n${front.replace(/^/gm, "  ")}\n---\n${body}`,
  (front, body) => `---\n${front}\n---\n${body}`.replace(/^/gm, "   "),
  (front, body) => `---   \n${front}   \n---  \n${body}`,
);

const odd = fc
  .record({
    name,
    prose,
    list: tools,
    extra: fc.array(noise, { maxLength: 3 }),
    wrap,
    body: fc.constantFrom("You mend.", ""),
  })
  .chain((parts) =>
    fc.tuple(toolLine(parts.list), fc.nat()).map(([line, seed]) => {
      const lines = [`name: ${parts.name}`, `description: ${parts.prose}`, line, ...parts.extra];
      const turned = [...lines.slice(seed % lines.length), ...lines.slice(0, seed % lines.length)];
      return { ...parts, text: parts.wrap(turned.join("\n"), parts.body) };
    }),
  );

const anyName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

test("whatever a file holds, it is loaded or refused with a reason, and what is loaded is valid", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        odd.map(({ text }) => text),
        fc.string({ unit: "binary", maxLength: 300 }),
      ),
      (text) => {
        const { definition, refusal, repairs, claudeCode } = readAgent(text, "file.md");
        expect(definition === undefined).toBe(refusal !== undefined);
        expect(repairs.length).toBeLessThanOrEqual(claudeBounds.repairsPerFile);
        expect(claudeCode.loads || claudeCode.why !== null).toBe(true);
        if (definition === undefined) return;
        expect(definition.name).toMatch(anyName);
        expect(definition.description.trim()).not.toBe("");
        expect(definition.prompt.trim()).not.toBe("");
        expect(definition.capabilities.length).toBeGreaterThan(0);
        for (const one of definition.capabilities) expect(one.name).toMatch(anyName);
        // What goes into a registration is JSON that a database takes.
        expect(JSON.stringify(definition)).not.toMatch(/\\u0000|\\ud[89a-f]/i);
      },
    ),
    { numRuns: 250 },
  );
});

test("no oddity gives an agent a tool that its file does not name", () => {
  fc.assert(
    fc.property(odd, ({ text, list }) => {
      const { definition } = readAgent(text, "file.md");
      if (definition === undefined) return;
      expect(definition.tools).not.toBeNull();
      for (const rule of definition.tools ?? []) expect(list).toContain(rule);
    }),
    { numRuns: 250 },
  );
});

/** Says by the letter what Claude Code's documentation says: strict YAML, a name, a description. */
function loadsByTheLetter(text: string): boolean {
  const front = /^\ufeff?---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text)?.[1];
  if (front === undefined) return false;
  try {
    const { name: said, description } = parse(front.replaceAll("\r\n", "\n"), { logLevel: "error" }) ?? {};
    if (typeof said !== "string" || typeof description !== "string") return false;
    return said.trim() !== "" && description.trim() !== "" && !said.startsWith("-") && !said.includes(":");
  } catch {
    return false;
  }
}

test("what is said of Claude Code is what its documentation says, and nothing is repaired in silence", () => {
  fc.assert(
    fc.property(odd, ({ text }) => {
      const { definition, repairs, claudeCode } = readAgent(text, "file.md");
      expect(claudeCode.loads).toBe(loadsByTheLetter(text));
      if (definition !== undefined && !claudeCode.loads) expect(repairs).not.toEqual([]);
    }),
    { numRuns: 250 },
  );
});

test("a skill or a command is never refused for what its front matter says", () => {
  fc.assert(
    fc.property(odd, ({ text, body }) => {
      const { definition, refusal } = readPrompt("command", "fix", text);
      if (body !== "") expect([refusal, definition?.name]).toEqual([undefined, "fix"]);
    }),
    { numRuns: 100 },
  );
});

test("nesting and aliases without end are refused before they cost anything", () => {
  for (const value of [
    "[".repeat(20_000),
    "{a: ".repeat(5_000),
    `&a [x]\n${Array.from({ length: 40 }, (_, at) => `k${at}: &b${at} [${"*a, ".repeat(40)}*a]`).join("\n")}`,
    "- ".repeat(10_000),
  ]) {
    const reading = readAgent(`---\nname: a-b\ndescription: Mends.\nx: ${value}\n---\nYou mend.`, "file.md");
    expect(reading.definition?.name ?? reading.refusal?.code).toBe("a-b");
  }
});
