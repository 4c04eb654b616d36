import { expect, test } from "vitest";
import type { Toolbox } from "../tools/tool.ts";
import { limitDelegation, teamToolsOf } from "./team-policy.ts";

const all = ["find_agents", "delegate", "send_message", "broadcast"];

test.each<[allow: string[] | null, deny: string[], left: string[]]>([
  [null, [], all],
  [null, ["Agent"], ["send_message", "broadcast"]],
  [null, ["Agent(painter)"], all],
  [["Read"], [], []],
  [["Read", "Agent"], [], ["find_agents", "delegate"]],
  [["Agent(painter)", "SendMessage"], ["SendMessage"], ["find_agents", "delegate"]],
  [["delegate"], [], ["delegate"]],
  [null, ["*"], []],
])("of what works together, %j without %j leaves %j", (allow, deny, left) => {
  expect(teamToolsOf({ allow, deny }, all)).toEqual(left);
});

async function delegate(allow: string[] | null, deny: string[], tasks: unknown) {
  const made: unknown[] = [];
  const toolbox: Toolbox = {
    specs: [],
    isParallel: () => true,
    call: async ({ input }) => {
      made.push(input);
      return { content: "done" };
    },
  };
  const limited = limitDelegation(toolbox, { allow, deny });
  const call = { id: "1", name: "delegate", input: { tasks } };
  const { signal } = new AbortController();
  const admitted = (await limited.admit?.(call, signal)) ?? null;
  const outcome = await limited.call(call, signal);
  // What is refused is refused before it is journaled as begun.
  if (limited !== toolbox) expect(admitted?.content).toBe(outcome.isError ? outcome.content : undefined);
  return made.length === 1 ? "made" : outcome.content;
}

const to = (...agents: (string | undefined)[]) => agents.map((agent) => ({ capability: "paint", agent }));

test("Agent(worker) allows that agent, by name or id, and no other", async () => {
  const only = ["Agent(painter, wheel-builder)"];
  expect(await delegate(only, [], to("painter"))).toBe("made");
  expect(await delegate(only, [], to("claude-painter", "wheel-builder"))).toBe("made");
  expect(await delegate(only, [], to("clerk"))).toContain("only delegate to painter, wheel-builder");
  expect(await delegate(only, [], to("painter", undefined))).toContain("name one of them");
  expect(await delegate([...only, "Agent"], [], to("clerk"))).toBe("made");
});

test("Agent(worker) in the list of what is denied keeps only that agent out", async () => {
  expect(await delegate(null, ["Agent(painter)"], to("clerk"))).toBe("made");
  expect(await delegate(null, ["Agent(painter)"], to("claude-painter"))).toContain(
    "may not delegate to painter",
  );
  expect(await delegate(null, ["Agent(painter)"], to(undefined))).toContain("name another agent");
});

test("without a word about agents nothing is limited", async () => {
  expect(await delegate(null, ["Bash(rm:*)"], to(undefined))).toBe("made");
});
