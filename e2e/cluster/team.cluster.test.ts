/**
 * A planner, a worker and a reviewer with scripted models behind real HTTP change a real git repository: files are edited,
 * tests run in the sandbox, the reviewer objects once, a person is asked once. Then the same again with their process gone
 * right behind every entry of their journals: as one that falls silent in the middle of this process, and as a real one that
 * is killed.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TaskDetail } from "@muster/sdk";
import { type Muster, startMuster } from "muster";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type ScriptedProviders,
  startProviders,
} from "../../packages/runtime/src/test/providers/start-providers.ts";
import { cleanUp, pause, root, startProcess, temporaryFolder } from "../support/processes.ts";
import { readSideFile } from "../support/side-file.ts";
import { prices, startTeam, type TeamPlace } from "../support/team/team-agents.mjs";
import { startingFiles, teamScript, usageOf } from "../support/team/team-script.ts";

/** Each run costs some seconds of processors, so only every eighth entry has one of its own. */
const stride = 8;
/** A real process dies behind so many entries. */
const killBehind = 7;

let muster: Muster;
let providers: ScriptedProviders;
const running = new Set<Awaited<ReturnType<typeof startTeam>>>();
const closing = new AbortController();
let answering: Promise<void>;

beforeAll(async () => {
  providers = await startProviders({ script: teamScript });
  // A connection that is gone for this long is the end of an agent.
  muster = await startMuster({ dataDir: null, listen: { port: 0 }, settings: { graceMs: 20 } });
  answering = answerTeams();
});

afterAll(async () => {
  closing.abort();
  await answering;
  await Promise.all([...running].map((team) => team.stop()));
  await muster?.stop();
  await providers?.close();
  await cleanUp();
});

/** A person who says yes to every team that asks. */
const answerTeams = async (): Promise<void> => {
  while (!closing.signal.aborted) {
    const { items } = await muster.client.inbox.list({ limit: 100 });
    for (const { taskId } of items) await muster.client.inbox.answer(taskId, { answer: "yes" });
    await pause(100);
  }
};

const git = (folder: string, ...args: string[]): string =>
  execFileSync("git", ["-c", "user.name=owner", "-c", "user.email=owner@example.com", ...args], {
    cwd: folder,
    encoding: "utf8",
  }).trim();

/** A repository with one commit, for a team of its own. */
const makePlace = (team: string): TeamPlace & { entriesFile: string } => {
  const folder = realpathSync(temporaryFolder());
  const repository = join(folder, "shop");
  for (const [path, content] of Object.entries(startingFiles)) {
    mkdirSync(dirname(join(repository, path)), { recursive: true });
    writeFileSync(join(repository, path), content);
  }
  git(repository, "init", "-q", "-b", "main");
  git(repository, "add", ".");
  git(repository, "commit", "-qm", "Begin");
  return {
    url: muster.url!,
    apiKey: muster.localKey,
    providersUrl: providers.url,
    team,
    repository,
    worktrees: join(folder, "worktrees"),
    effectsFile: join(folder, "effects"),
    entriesFile: join(folder, "entries"),
  };
};

type Place = ReturnType<typeof makePlace>;

const submit = async ({ team }: Place): Promise<string> => {
  const { client } = muster;
  const retry = { delayMs: 1, backoff: "constant" as const, jitter: 0, maxAttempts: 100 };
  for (const what of ["write", "review"])
    await client.retryPolicies.set(`${what}-${team}`, { policy: retry });
  const budget = { moneyMicros: 1_000_000 };
  const [task] = await client.tasks.submit([{ capability: `change-${team}`, retry, budget }]);
  return task!.id;
};

/** Millionths of a dollar, as an accountant would reckon. */
const priceOf = (asked: (typeof providers.requests)[number]): number => {
  const { inputTokens, outputTokens } = usageOf(asked);
  const { input, output } = prices[asked.model as keyof typeof prices];
  return Math.round(inputTokens * input + outputTokens * output);
};

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);

/** Everything that a team left behind, in the model's world and in ours. */
const readResult = async (place: Place, task: TaskDetail) => {
  const { team, repository } = place;
  const asked = providers.requests.filter(({ system }) => system.includes(` of team ${team}.`));
  const { items } = await muster.client.tasks.list({ limit: 100, parentId: task.id });
  return {
    status: task.status,
    error: task.error,
    output: task.output,
    log: git(repository, "log", "--format=%s").split("\n"),
    tree: git(repository, "rev-parse", "HEAD^{tree}"),
    uncommitted: git(repository, "status", "--porcelain"),
    handedOut: items
      .map(({ capability, status }) => `${capability?.replace(`-${team}`, "")} ${status}`)
      .sort(),
    effects: readSideFile(place.effectsFile)
      .map(([, , role, tool]) => `${role} ${tool}`)
      .sort(),
    paidTwice: asked.filter(({ tries }) => tries > 0).length,
    requests: asked.length,
    spent: task.budget?.spent.moneyMicros,
    charged: sumOf(asked.map(priceOf)),
  };
};

type IsFatal = (taskId: string, key: string) => boolean;

/** A team whose process dies of some entries, each time followed by another process. */
const workThrough = async (place: Place, isFatal: IsFatal = () => false) => {
  const entries: string[] = [];
  const onEntry: IsFatal = (taskId, key) => {
    entries.push(key);
    return isFatal(taskId, key);
  };
  const id = await submit(place);
  let isOver = false;
  const over = muster.client.tasks.wait(id, { timeoutMs: 120_000 }).finally(() => {
    isOver = true;
  });
  let processes = 0;
  for (; !isOver; processes++) {
    const team = await startTeam(place, onEntry);
    running.add(team);
    await Promise.race([team.death, over]);
  }
  return { entries, processes, ...(await readResult(place, await over)) };
};

let whole: Awaited<ReturnType<typeof workThrough>>;

/** What has to be the same whoever died meanwhile, and how often. */
const sameAs = ({
  status,
  error,
  output,
  log,
  tree,
  uncommitted,
  handedOut,
  effects,
  paidTwice,
}: typeof whole) => ({
  status,
  error,
  output,
  log,
  tree,
  uncommitted,
  handedOut,
  effects,
  paidTwice,
});

test("plans, writes, objects, mends, asks once and merges, at the cost that the providers charge", async () => {
  const place = makePlace("whole");
  whole = await workThrough(place);
  const log = ["Round discounts to cents", "Add a discount", "Begin"];
  expect(whole).toMatchObject({
    status: "completed",
    output: { answer: "yes", log },
    log,
    uncommitted: "",
    handedOut: ["human.ask", "review", "review", "write", "write"].map((what) => `${what} completed`),
    paidTwice: 0,
    requests: 8 + 6 + 2 + 6 + 3,
    spent: whole.charged,
  });
  expect(execFileSync(process.execPath, ["--test"], { cwd: place.repository, encoding: "utf8" })).toMatch(
    /^# pass 2$/m,
  );
}, 60_000);

test("comes to the same when its process dies behind every entry, one after the other", async () => {
  /** Of a call that is not made twice the beginning is fatal once: behind it, the model has to make it anew. */
  const begun = new Map<string, number>();
  const handedOut = new Set<string>();
  const isFatal: IsFatal = (taskId, key) => {
    // Whoever takes over says again what was handed out, and hears that it was.
    if (key.startsWith("delegate:")) return handedOut.size < handedOut.add(key).size;
    if (!key.endsWith(":begun")) return true;
    begun.set(taskId, (begun.get(taskId) ?? 0) + 1);
    return begun.get(taskId)! % 2 === 1;
  };
  const harried = await workThrough(makePlace("harried"), isFatal);
  expect(harried.processes).toBeGreaterThan(whole.entries.length);
  expect(sameAs(harried)).toEqual(sameAs(whole));
  expect(harried.spent).toBe(harried.charged);
}, 120_000);

test("comes to the same when its process dies behind one entry and no other", async () => {
  const numbers = whole.entries.keys();
  const next = async (): Promise<void> => {
    for (const number of numbers) {
      if (number % stride !== 0) continue;
      let toGo = number;
      const killed = await workThrough(makePlace(`doomed-${number}`), () => toGo-- === 0);
      const last = whole.entries[number]!.replace(/^delegate:[^_]+/, "delegate:");
      expect({ last, processes: killed.processes, ...sameAs(killed) }).toEqual({
        last,
        processes: 2,
        ...sameAs(whole),
      });
      // Behind "begun" nobody knows whether the call was made: two more turns, to look and to make it.
      const requests = whole.requests + (last.endsWith(":begun") ? 2 : 0);
      expect({ last, requests: killed.requests }).toEqual({ last, requests });
      expect({ last, spent: killed.spent }).toEqual({ last, spent: killed.charged });
      if (requests === whole.requests) expect(killed.spent).toBe(whole.spent);
    }
  };
  await Promise.all([next(), next(), next()]);
}, 180_000);

test("comes to the same when its process is killed again and again", async () => {
  const place = makePlace("killed");
  const { entriesFile, ...shown } = place;
  const id = await submit(place);
  let isOver = false;
  const over = muster.client.tasks.wait(id, { timeoutMs: 120_000 }).finally(() => {
    isOver = true;
  });
  let kills = 0;
  while (!isOver) {
    const team = startProcess(process.execPath, [join(root, "e2e", "support", "team", "team-process.mjs")], {
      env: {
        TEAM_PLACE: JSON.stringify(shown),
        ENTRIES_FILE: entriesFile,
        KILL_BEHIND: String(killBehind),
      },
    });
    const end = await Promise.race([team.ended, over.then(() => undefined)]);
    if (end === undefined) continue;
    expect(end).toMatchObject({ exitCode: null, err: "" });
    kills++;
  }
  const killed = await readResult(place, await over);
  expect(kills).toBeGreaterThan(5);
  expect(sameAs({ ...whole, ...killed })).toEqual(sameAs(whole));
  expect(killed.spent).toBe(killed.charged);
}, 180_000);
