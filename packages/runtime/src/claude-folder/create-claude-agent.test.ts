import { type CapabilityDefinition, createAgent, type TaskContext } from "@muster/sdk";
import { expect, test } from "vitest";
import { fakeTask } from "../test/fake-task.ts";
import { fakeToolbox } from "../test/fake-toolbox.ts";
import { scriptedModel } from "../test/scripted-model.ts";
import { type ClaudeToolPolicy, createClaudeAgent } from "./create-claude-agent.ts";
import type { Loaded } from "./load-claude-folder.ts";
import { type ClaudeAgent, readAgent } from "./read-agent.ts";
import { type ClaudePrompt, readPrompt } from "./read-prompt.ts";

const place = { path: ".claude/agents/a.md", root: "/shop", scope: "project" } as const;

function loaded(...lines: string[]): Loaded<ClaudeAgent> {
  const text = `---\n${lines.join("\n")}\ndescription: Mends bicycles.\n---\nYou mend.\n`;
  return { ...place, definition: readAgent(text, "a.md").definition! };
}

const skill = (name: string, text: string): Loaded<ClaudePrompt> => ({
  ...place,
  definition: readPrompt("skill", name, text).definition!,
});

/** One task for an agent of a file. */
async function perform(agent: Loaded<ClaudeAgent>, skills: readonly Loaded<ClaudePrompt>[] = []) {
  const model = scriptedModel([{ text: "Round again." }]);
  const policies: ClaudeToolPolicy[] = [];
  const definition = createClaudeAgent(agent, {
    model,
    skills,
    permissions: { deny: ["Read(.env)"], ask: ["Bash(git push:*)"] },
    openTools(policy) {
      policies.push(policy);
      return fakeToolbox({});
    },
  });
  createAgent(definition);
  const [{ handler }] = definition.capabilities as [CapabilityDefinition];
  const outcome = await fakeTask("The wheel.").attempt((context: TaskContext) =>
    Promise.resolve(handler(context)),
  );
  return { definition, outcome, policies, request: model.requests[0]! };
}

test("an agent of a file is an ordinary agent that works by its prompt, its model and its tools", async () => {
  const { definition, outcome, policies, request } = await perform(
    loaded(
      "name: bicycle-tester",
      "model: haiku",
      "tools: Read, Bash(make:*)",
      "disallowedTools: Write",
      "color: red",
    ),
  );
  expect(outcome).toEqual({ ended: "Round again." });
  expect(request).toMatchObject({
    model: "haiku",
    system: expect.stringMatching(/^You mend\.\n\n# Where you work/),
  });
  expect(JSON.stringify(request.messages[0])).toContain("The wheel.");
  expect(policies).toEqual([
    { allow: ["Read", "Bash(make:*)"], deny: ["Write", "Read(.env)"], ask: ["Bash(git push:*)"] },
  ]);
  expect(definition).toMatchObject({
    id: "claude-bicycle-tester",
    type: "claude",
    maxConcurrency: 1,
    capabilities: [{ name: "bicycle-tester", tools: ["Read", "Bash"] }, { name: "bicycle-testing" }],
    metadata: { file: ".claude/agents/a.md", color: "red", tools: ["Read", "Bash(make:*)"] },
  });
});

test("its skills come before its work, as far as they are there", async () => {
  const skills = [skill("chains", "Oil them."), skill("paint", "Blue.")];
  const { request } = await perform(loaded("name: a-b", "skills: chains, brakes"), skills);
  expect(request.system).toMatch(/^You mend\.[\s\S]*\n\n# Skill: chains\n\nOil them\.$/);
});

test("an agent with a memory is told where it is, if a tool can reach it", async () => {
  expect((await perform(loaded("name: a-b", "memory: project"))).request.system).toContain(
    ".claude/agent-memory/a-b/",
  );
  expect((await perform(loaded("name: a-b", "memory: user"))).request.system).not.toContain("Memory");
});

test("an agent that only plans changes nothing, whatever its list says", async () => {
  for (const tools of ["tools: Read, Write, Bash", "color: red"]) {
    const { policies, definition } = await perform(loaded("name: a-b", "permissionMode: plan", tools));
    expect(policies[0]?.allow).not.toBeNull();
    expect(policies[0]?.allow).toEqual(expect.arrayContaining(["Read"]));
    expect(policies[0]?.allow).not.toEqual(expect.arrayContaining(["Write"]));
    expect(policies[0]?.allow).not.toEqual(expect.arrayContaining(["Bash"]));
    expect(definition.maxConcurrency).toBe(4);
  }
});

test("the bound on turns of a file is the loop's", async () => {
  const model = scriptedModel(() => ({ calls: [["look", {}]] }));
  const definition = createClaudeAgent(loaded("name: a-b", "maxTurns: 2"), {
    model,
    skills: [],
    permissions: { deny: [], ask: [] },
    openTools: () => fakeToolbox({}),
  });
  const [{ handler }] = definition.capabilities as [CapabilityDefinition];
  await fakeTask().attempt((context: TaskContext) => Promise.resolve(handler(context)));
  expect(model.requests).toHaveLength(2);
});
