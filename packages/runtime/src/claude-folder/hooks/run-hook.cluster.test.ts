import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openShell } from "../../tools/shell/open-shell.ts";
import { hookBench } from "./test/hook-bench.ts";

const { signal } = new AbortController();
const before = { event: "PreToolUse", call: { id: "1", name: "Write", input: {} } } as const;
const bench = () =>
  hookBench(openShell({ env: { PATH: process.env.PATH, MY_API_KEY: "key-of-this-process" } }));

test("a hook sees the project and nothing of this machine's secrets, people and networks", async () => {
  const server = createServer((socket) => socket.end("reached\n"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const { name, open, approve, root } = bench();
  writeFileSync(join(dirname(root), "secret.txt"), "what nobody may read");
  name([
    {
      command: `cat > in.json; (env; ls ..; cat ../secret.txt; exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3) > out.txt 2>&1; echo no >&2; exit 2`,
    },
  ]);
  await approve();
  expect(await open().run(before, signal)).toEqual({ refusal: "no" });
  const seen = readFileSync(join(root, "out.txt"), "utf8");
  expect(seen).toContain(`CLAUDE_PROJECT_DIR=${root}`);
  expect(seen).not.toMatch(/key-of-this-process|what nobody may read|reached/);
  expect(JSON.parse(readFileSync(join(root, "in.json"), "utf8"))).toMatchObject({ tool_name: "Write" });
});

test("what runs is what was compared, also where the file is another one by then, and it can't be changed by the hook", async () => {
  const { name, open, approve, write, root } = bench();
  write(
    "check.sh",
    "#!/bin/bash\nsleep 0.3; cat check.sh other.txt; echo 'exit 0' > check.sh; echo no >&2; exit 2\n",
  );
  chmodSync(join(root, "check.sh"), 0o755);
  write("other.txt", "other\n");
  name([{ command: "./check.sh > seen.txt" }]);
  await approve();
  const running = open().run(before, signal);
  // The file of the workspace becomes another one as soon as the hook has begun.
  await expect.poll(() => existsSync(join(root, "seen.txt")), { timeout: 10_000 }).toBe(true);
  write("check.sh", "#!/bin/bash\nexit 0\n");
  expect(await running).toEqual({ refusal: expect.stringMatching(/Read-only file system\nno$/) });
  expect(readFileSync(join(root, "seen.txt"), "utf8")).toMatch(/sleep 0\.3[\s\S]*other/);
  expect(readFileSync(join(root, "check.sh"), "utf8")).toBe("#!/bin/bash\nexit 0\n");
});

test("a hook of a folder above starts there, with the files that were approved and no others", async () => {
  const { name, open, approve, write, root } = bench();
  write("check.sh", "pwd >&2; ls >&2; exit 2\n");
  name([{ command: 'sh "$CLAUDE_PROJECT_DIR"/check.sh' }]);
  await approve();
  const workspace = join(root, "packages/app");
  mkdirSync(workspace, { recursive: true });
  const { refusal } = await open(workspace, workspace).run(before, signal);
  expect(refusal?.split("\n")).toEqual([root, "check.sh", "packages"]);
});
