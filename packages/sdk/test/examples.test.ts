import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeOrchestrator } from "./fake-orchestrator.ts";
import { apiKey, FakeServer } from "./fake-server.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const soon = { timeout: 15_000, interval: 10 };

const examples = [
  {
    name: "shell-agent.sh",
    needs: ["bash", "curl"],
    command: ["bash", "examples/agents/shell-agent.sh"],
    capability: "word_count",
    cases: [
      [{ text: "one two three" }, { words: 3 }],
      [{ text: 'he said "input":{"text":"x"}\n\ttwice, C:\\new' }, { words: 5 }],
      [{ text: "" }, { words: 0 }],
    ],
  },
  {
    name: "python-agent.py",
    needs: ["python3"],
    command: ["python3", "examples/agents/python-agent.py"],
    capability: "shout",
    cases: [[{ text: 'grüße "you"\n' }, { text: 'GRÜSSE "YOU"\n' }]],
  },
  {
    name: "node-agent.mjs",
    needs: ["node"],
    command: ["node", "--conditions=@muster/source", "--import=tsx", "examples/agents/node-agent.mjs"],
    capability: "headline",
    cases: [
      [{ text: "Hello there. More." }, { headline: "HELLO THERE" }],
      [{ text: "Hello there. More.", count: true }, { headline: "HELLO THERE (3 words)" }],
    ],
  },
];

/** Nothing but Node is promised to be there; where it is not, that is said, and CI does not let it pass. */
const isMissing = (programs: string[]): boolean => {
  const missing = programs.filter((program) => spawnSync(program, ["--version"]).status !== 0);
  if (missing.length > 0) console.warn(`NOT TESTED: ${missing.join(", ")} is not installed.`);
  return missing.length > 0 && process.env.CI === undefined;
};

describe.each(examples)("examples/agents/$name", ({ needs, command, capability, cases }) => {
  let orchestrator: FakeOrchestrator;
  let server: FakeServer;
  let child: ChildProcess;

  beforeEach(async () => {
    orchestrator = new FakeOrchestrator({ heartbeatMs: 500 });
    server = await new FakeServer(orchestrator).start();
  });
  afterEach(async () => {
    if (child?.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await server.stop();
  });

  it.skipIf(isMissing(needs))(
    "registers, works, heartbeats, survives a restart of the server, and leaves",
    async () => {
      if (capability === "headline") {
        orchestrator.scripts.set("word_count", (input) => ({
          words: (input as { text: string }).text.split(" ").length,
        }));
      }
      const [program = "", ...parameters] = command;
      const env = { ...process.env, MUSTER_URL: server.url, MUSTER_API_KEY: apiKey };
      child = spawn(program, parameters, { cwd: root, env, stdio: ["ignore", "ignore", "inherit"] });
      for (const [input, output] of cases) {
        const task = orchestrator.submit({ capability, input });
        await vi.waitFor(() => expect(task).toMatchObject({ status: "completed", output }), soon);
      }
      const isBeat = ({ operation }: { operation: string }) => operation === "heartbeat";
      await vi.waitFor(() => expect(orchestrator.requests.some(isBeat)).toBe(true), soon);
      const [id] = orchestrator.agents.keys();

      await server.stop();
      orchestrator.agents.clear();
      await server.start();
      await vi.waitFor(() => expect([...orchestrator.agents.keys()]).toEqual([id]), soon);
      const [[input, output] = []] = cases;
      const again = orchestrator.submit({ capability, input });
      await vi.waitFor(() => expect(again).toMatchObject({ status: "completed", output }), soon);

      const exited = once(child, "exit");
      child.kill("SIGINT");
      expect(await exited).toEqual([0, null]);
      expect(orchestrator.requests.at(-1)?.operation).toBe("leave");
      expect(orchestrator.agents.size).toBe(0);
    },
  );
});
