import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { startMuster } from "../packages/server/src/main.ts";
import { root } from "./findings.ts";
import { codeBlocks } from "./markdown.ts";

/** The programs of the README run as they stand, and say what it says they say. */
const programs = codeBlocks(readFileSync(join(root, "README.md"), "utf8")).filter(
  ({ language }) => language === "ts",
);

// Inside the repository, so that they find the packages by name.
const folder = join(root, "node_modules", ".cache", `readme-${process.pid}`);
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(name: string, environment: Record<string, string> = {}) {
  const program = programs.find(({ text }) => text.includes(name));
  if (program === undefined) throw new Error(`README.md has no program with ${name}`);
  const file = join(folder, `${name}.ts`);
  writeFileSync(file, program.text);
  const running = spawn(process.execPath, ["--import", "tsx", "--conditions=@muster/source", file], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [running.stdout, running.stderr]) stream.on("data", (chunk) => (output += chunk));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    running.once("close", (code) => resolve({ code, output })),
  );
  return { running, ended };
}

it("runs the library's example", async () => {
  const { ended } = start("startMuster");
  expect(await ended).toEqual({ code: 0, output: "{ result: 42 }\n" });
});

it("runs the agent's example", async () => {
  const muster = await startMuster({ dataDir: null, listen: { port: 0 } });
  const { running, ended } = start("createAgent", {
    MUSTER_URL: muster.url as string,
    MUSTER_API_KEY: muster.localKey,
  });
  try {
    const { id } = await muster.client.tasks.submit({ capability: "greet", input: { name: "Ada" } });
    expect(await muster.client.tasks.wait(id, { timeoutMs: 20_000 })).toMatchObject({
      status: "completed",
      agent: "greeter",
      output: { text: "Hello, Ada!" },
    });
  } finally {
    running.kill();
    await ended;
    await muster.stop(0);
  }
});
