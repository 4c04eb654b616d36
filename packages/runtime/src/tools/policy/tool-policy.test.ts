import { expect, it } from "vitest";
import type { ToolSubject } from "../tool.ts";
import { createPolicyJudge, type ToolPolicy } from "./tool-policy.ts";

const command = (text: string): ToolSubject => ({ kind: "command", command: text });
const kindOf = (policy: ToolPolicy, tool: string, subject: ToolSubject | null): string =>
  createPolicyJudge(policy).judge(tool, subject).kind;

it.each([
  ["git status", true],
  ["git", true],
  ["git log | git stash list && git diff 2>&1", true],
  ["git log > /dev/null", true],
  ["git commit -m 'a; rm -rf b'", true],
  ["gitx status", false],
  ["git status; rm -rf .", false],
  ["git status && curl x", false],
  ["git status | sh", false],
  ["git status\nrm x", false],
  ["git status & rm x", false],
  ["git log $(rm x)", false],
  ["git log `rm x`", false],
  ['git log "$(rm x)"', false],
  ["git log <(rm x)", false],
  ["git log > src/a.ts", false],
  ["git log >> a", false],
  ["git log &> a", false],
  ["git apply <<< x", false],
  ["GIT_SSH_COMMAND=evil git fetch", false],
  ["(git status)", true],
  ["git 'unclosed", false],
  ["", false],
])("Bash(git *) allows %j: %s", (text, expected) => {
  expect(kindOf({ allow: ["Bash(git *)"] }, "Bash", command(text)) === "allowed").toBe(expected);
});

it.each([
  "rm -rf x",
  "ls; rm -rf x",
  "ls && sudo rm x",
  "echo $(rm x)",
  'echo "a" `rm x`',
  "sh -c 'rm x'",
  "env A=1 rm x",
  "'r'm x",
  "r\\m x",
  "ls\nrm x",
])("a denied command is found in %j", (text) => {
  expect(kindOf({ deny: ["Bash(rm *)"] }, "Bash", command(text))).toBe("denied");
});

it("leaves a command alone that is not the denied one", () => {
  expect(kindOf({ deny: ["Bash(rm *)"] }, "Bash", command("rmdir x; echo 'rm'ore"))).toBe("allowed");
});

it.each([
  ["Bash(npm run test:*)", "npm run test:unit", "allowed"],
  ["Bash(npm run test:*)", "npm run build", "denied"],
  ["Bash(git * main)", "git push origin main", "allowed"],
  ["Bash(git * main)", "git push origin other", "denied"],
])("%s on %s: %s", (rule, text, expected) => {
  expect(kindOf({ allow: [rule] }, "Bash", command(text))).toBe(expected);
});

it("denies a path by any of its names, and allows it by all of them", () => {
  const paths: ToolSubject = { kind: "paths", paths: ["harmless.txt", ".env"] };
  expect(kindOf({ deny: ["Read(.env)"] }, "Read", paths)).toBe("denied");
  expect(kindOf({ allow: ["Read(*.txt)"] }, "Read", paths)).toBe("denied");
  expect(kindOf({ deny: ["Read(./secrets/**)"] }, "Grep", { kind: "paths", paths: ["secrets/a/b"] })).toBe(
    "denied",
  );
  expect(kindOf({ deny: ["Edit(docs)"] }, "Write", { kind: "paths", paths: ["x/docs/a.md"] })).toBe("denied");
  expect(kindOf({ deny: ["Edit(/docs)"] }, "Write", { kind: "paths", paths: ["x/docs/a.md"] })).toBe(
    "allowed",
  );
  expect(createPolicyJudge({ deny: ["Read(.env)"] }).hides("deep/.env")).toBe(true);
});

it("offers what the lists name, whole servers too", () => {
  const judge = createPolicyJudge({
    allow: ["Read", "Bash(git *)", "mcp__docs"],
    deny: ["mcp__docs__write"],
  });
  const tools = ["Read", "Write", "Bash", "mcp__docs__find", "mcp__docs__write", "mcp__docsx__find"];
  expect(tools.filter(judge.offers)).toEqual(["Read", "Bash", "mcp__docs__find"]);
});

it("asks where a rule says so, unless another denies", () => {
  const policy = { ask: ["Bash(git push *)"], deny: ["Bash(git push --force*)"] };
  expect(kindOf(policy, "Bash", command("git push"))).toBe("asks");
  expect(kindOf(policy, "Bash", command("git push --force"))).toBe("denied");
  expect(kindOf(policy, "Bash", command("git pull"))).toBe("allowed");
});

it("knows hosts by their ends, at a dot", () => {
  const policy = { allow: ["WebFetch(domain:example.com)"] };
  expect(kindOf(policy, "WebFetch", { kind: "host", host: "docs.Example.com" })).toBe("allowed");
  expect(kindOf(policy, "WebFetch", { kind: "host", host: "evilexample.com" })).toBe("denied");
});

it("is strict where a tool does not say what its calls are about", () => {
  expect(kindOf({ allow: ["X(a)"] }, "X", null)).toBe("denied");
  expect(kindOf({ deny: ["X(a)"] }, "X", null)).toBe("denied");
});
