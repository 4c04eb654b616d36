import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { forkSource } from "../../../test/processes/fork-source.ts";
import { takeFolderLock } from "./folder-lock.ts";
import { describeThisProcess, type Holder } from "./lock-holder.ts";

let dataDir: string;
const lock = () => join(dataDir, "lock");
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "muster-lock-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

/** The number of a process that ran and is gone. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""], { stdio: "ignore" });
  await once(child, "exit");
  return child.pid ?? 0;
}

const holder = async (parts: Partial<Holder> = {}): Promise<Holder> => ({
  token: "00000000-0000-4000-8000-000000000001",
  ...(await describeThisProcess()),
  ...parts,
});

const write = (parts: Holder) => writeFile(lock(), JSON.stringify(parts));
const holderNow = async () => JSON.parse(await readFile(lock(), "utf8")) as Holder;

describe("The lock of the data folder", () => {
  it("says who holds it, and is gone after its release", async () => {
    const release = await takeFolderLock(dataDir);
    expect(await holderNow()).toMatchObject({
      pid: process.pid,
      startedAt: expect.stringMatching(/^\d{4}-/),
    });
    await release();
    expect(await readdir(dataDir)).toEqual([]);
  });

  it("is refused while its holder lives, with the number of the process and what to do", async () => {
    const release = await takeFolderLock(dataDir);
    const error = await takeFolderLock(dataDir).catch((caught) => caught);
    expect(error).toMatchObject({ code: "storage_locked", hint: expect.stringContaining("--server") });
    expect(error.message).toContain(`${process.pid}`);
    expect(error.message).toContain(dataDir);
    await release();
    await (await takeFolderLock(dataDir))();
  });

  it("is taken over from a process that is gone", async () => {
    await write(await holder({ pid: await deadPid() }));
    const release = await takeFolderLock(dataDir);
    expect((await holderNow()).pid).toBe(process.pid);
    await release();
    expect(await readdir(dataDir)).toEqual([]);
  });

  it("is taken over from a process whose number now belongs to another", async () => {
    await write(await holder({ pid: process.pid, processStart: "1" }));
    await (await takeFolderLock(dataDir))();
  });

  it("is taken over when the machine was started anew since", async () => {
    const me = await holder();
    if (!me.place?.machine) return expect(me.place?.machine ?? null).toBeNull();
    await write({ ...me, place: { ...me.place, boot: "another" } });
    await (await takeFolderLock(dataDir))();
  });

  it("is taken over when the one who was taking it over died on the way", async () => {
    const first = await holder({ pid: await deadPid() });
    const second = { ...first, token: "00000000-0000-4000-8000-000000000002" };
    await write(first);
    await writeFile(join(dataDir, `lock.${first.token}.taken`), JSON.stringify(second));
    await writeFile(join(dataDir, `lock.${second.token}.new`), JSON.stringify(second));
    const release = await takeFolderLock(dataDir);
    expect(await readdir(dataDir)).toEqual(["lock"]);
    await release();
  });

  it("is not taken while the one who is taking it over lives", async () => {
    const first = await holder({ pid: await deadPid() });
    await write(first);
    const claimant = await holder({ token: "00000000-0000-4000-8000-000000000002" });
    await writeFile(join(dataDir, `lock.${first.token}.taken`), JSON.stringify(claimant));
    await expect(takeFolderLock(dataDir)).rejects.toMatchObject({ code: "storage_locked" });
  });

  it.each([
    ["a holder on another machine", async () => write(await holder({ host: "elsewhere", pid: 1 }))],
    ["a damaged file", () => writeFile(lock(), "{")],
  ])("waits for a sign of life of %s, and takes it when there is none", async (_, prepare) => {
    await prepare();
    const said: string[] = [];
    const onProgress = (sentence: string) => said.push(sentence);
    await (await takeFolderLock(dataDir, { longestSilenceMs: 60, onProgress }))();
    expect(said.join()).toContain("waiting to see whether");
  });

  it("is refused when a holder on another machine shows that it lives", async () => {
    await write(await holder({ host: "elsewhere" }));
    const beat = setInterval(() => void utimes(lock(), Date.now() / 1000, Math.random() * 1e6), 20);
    const taking = takeFolderLock(dataDir, { longestSilenceMs: 5_000 });
    await expect(taking)
      .rejects.toThrow("elsewhere")
      .finally(() => clearInterval(beat));
  });

  it("tells its holder when it is gone", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const lost = new Promise((resolve) => void takeFolderLock(dataDir, { onLost: resolve }));
    await vi.waitFor(async () => expect(await readdir(dataDir)).toEqual(["lock"]), { timeout: 10_000 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await rm(lock());
    vi.advanceTimersByTime(5_000);
    expect(await lost).toMatchObject({ code: "storage_locked" });
    vi.useRealTimers();
  });

  it("goes to exactly one of many who start at once over a dead holder", async () => {
    const children = Array.from({ length: 4 }, () => forkSource("contend-for-lock.ts", [dataDir]));
    await Promise.all(children.map((child) => once(child, "message")));
    for (let round = 0; round < 15; round++) {
      await write(await holder({ pid: await deadPid() }));
      const answers = Promise.all(children.map(async (child) => (await once(child, "message"))[0] as string));
      for (const child of children) child.send("take");
      const outcomes = await answers;
      expect(outcomes.filter((outcome) => outcome === "taken").length).toBe(1);
      expect(outcomes.filter((outcome) => outcome === "storage_locked").length).toBe(3);
      const released = Promise.all(children.map((child) => once(child, "message")));
      for (const child of children) child.send("release");
      await released;
    }
    for (const child of children) child.disconnect();
    await Promise.all(children.map((child) => once(child, "exit")));
  });
});
