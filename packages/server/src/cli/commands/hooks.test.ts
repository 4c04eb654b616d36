import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { runCli } from "../run-cli.ts";

let place: string;
let folder: string;
beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "muster-hooks-")));
  folder = join(place, "shop");
  mkdirSync(join(folder, ".claude/agents"), { recursive: true });
  write("check.sh", "exit 0\n");
});
afterEach(() => rmSync(place, { recursive: true }));

const write = (path: string, text: string): void => writeFileSync(join(folder, path), text);
const settings = (command = "sh check.sh", more: object = {}): void =>
  write(
    ".claude/settings.json",
    JSON.stringify(
      {
        hooks: {
          PreToolUse: [{ matcher: "Bash", hooks: [{ type: "command", command }] }],
          Stop: [{ hooks: [{ type: "command", command: "npm test" }] }],
          SessionEnd: [{ hooks: [{ type: "command", command: "bye" }] }],
        },
        ...more,
      },
      null,
      2,
    ),
  );

async function hooks(argv: string[], env: Record<string, string> = { HOME: join(place, "home") }) {
  const context = createFakeCliContext({ cwd: folder, env });
  const exitCode = await runCli(["hooks", ...argv], context);
  return { exitCode, out: context.stdout.text(), err: context.stderr.text() };
}
interface Shown {
  id: string;
  event: string;
  consent: string;
}
const listed = async (): Promise<Shown[]> => JSON.parse((await hooks(["list", "--json"])).out).hooks;
const consents = async () => (await listed()).map(({ event, consent }) => `${event} ${consent}`);

test("lists what files name: what runs, what an approval covers, and what Muster does not have", async () => {
  settings();
  write(
    ".claude/agents/clerk.md",
    "---\nname: clerk\ndescription: Sells.\nhooks:\n  PostToolUse:\n    - matcher: Edit\n      hooks:\n        - type: command\n          command: ./fmt\n---\nYou sell.\n",
  );
  const { exitCode, out, err } = await hooks(["list"]);
  expect(exitCode).toBe(0);
  const [first] = await listed();
  for (const text of [
    "runs sh check.sh",
    "covers the command and check.sh",
    "covers the command alone",
    "for the agent clerk alone",
    `approve it with: muster hooks approve ${first?.id}`,
    ".claude/settings.json:7",
    ".claude/agents/clerk.md:8",
  ])
    expect(out).toContain(text);
  expect(err).toMatch(/settings\.json: not supported: line \d+: Muster has no event SessionEnd/);
  expect(first).toMatchObject({
    event: "PreToolUse",
    matcher: "Bash",
    covers: [{ path: "check.sh" }],
    line: 7,
  });
});

test("approves a hook as it stands, until it or its script changes or that is taken back", async () => {
  settings();
  expect(await consents()).toEqual(["PreToolUse unapproved", "Stop unapproved"]);
  const [{ id }] = (await listed()) as [Shown];
  const { exitCode, out } = await hooks(["approve", id.slice(0, 6)]);
  expect([exitCode, out]).toEqual([
    0,
    expect.stringMatching(
      /^approved \w+ of .*settings\.json: PreToolUse runs sh check\.sh \(with check\.sh\)/,
    ),
  ]);
  expect(await consents()).toEqual(["PreToolUse approved", "Stop unapproved"]);
  write("check.sh", "true\n");
  expect(await consents()).toEqual(["PreToolUse changed", "Stop unapproved"]);
  expect((await hooks(["list"])).out).toContain("the calls that it guards are refused");
  write("check.sh", "exit 0\n");
  settings("true");
  expect(await consents()).toEqual(["PreToolUse changed", "Stop unapproved"]);
  await hooks(["approve", "--all"]);
  expect(await consents()).toEqual(["PreToolUse approved", "Stop approved"]);
  expect((await hooks(["revoke", "--all"])).out.match(/is approved no more/g)).toHaveLength(2);
  expect(await consents()).toEqual(["PreToolUse unapproved", "Stop unapproved"]);
  expect((await hooks(["revoke", "--all"])).err).toContain("nobody had approved it");
  const json = JSON.parse((await hooks(["approve", "--all", "--json"])).out);
  expect(json.approved).toMatchObject([{ isApproved: true }, { isApproved: true }]);
});

test("wants to know which hook is meant, and says what is off or missing", async () => {
  expect((await hooks(["list"])).err).toContain("no file here names a hook");
  settings();
  write(".claude/settings.local.json", '{"disableAllHooks": true}');
  expect((await hooks(["list"])).err).toContain("settings.local.json turns all hooks off");
  for (const [argv, error] of [
    [["approve"], "which hook?"],
    [["approve", "abcdef", "--all"], "which hook?"],
    [["approve", "ab"], "at least 4 characters"],
    [["approve", "ffffffffffff"], "no file here names a hook ffffffffffff"],
    [["approve", "--all", "--file", "elsewhere.json"], "no file here names a hook"],
  ] as const) {
    const { exitCode, err } = await hooks([...argv]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(error)]);
  }
  const names = Array.from({ length: 21 }, (_, at) => `s${at}.sh`);
  for (const name of names) write(name, "");
  settings(names.join(";"));
  expect(await hooks(["approve", "--all"])).toMatchObject({
    exitCode: 2,
    err: expect.stringContaining("more than 20 files"),
  });
});

test("keeps no approval where the folder could approve itself", async () => {
  settings();
  const env = { HOME: folder };
  expect((await hooks(["list"], env)).err).toContain("lies in the repository");
  expect(await hooks(["approve", "--all"], env)).toMatchObject({
    exitCode: expect.not.stringMatching("0"),
    err: expect.stringContaining("lies in the repository"),
  });
});
