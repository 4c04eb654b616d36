import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { cleanUp, pause, startProcess, temporaryFolder } from "./support/processes.ts";
import { binary, startFreshServer } from "./support/server-process.ts";

afterEach(cleanUp);

const megabyte = 1024 * 1024;
const fileMegabytes = 200;
/** A command, Node and all, takes less than the file alone would. */
const mostBytes = 190 * megabyte;
/** A server has more loaded, so only what came on top counts: what is on its way, and garbage that nobody collected yet. */
const mostGrowth = 90 * megabyte;

/** The most memory that a process ever had, in bytes; undefined when it has ended. */
async function peakOf(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const kilobytes = /VmHWM:\s+(\d+)/.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
}

async function sumOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** A file that has every megabyte different, and takes its place on disk only where it is read. */
async function makeFile(path: string): Promise<void> {
  const file = await open(path, "w");
  for (let at = 0; at < fileMegabytes; at++) await file.write(`part ${at}`, at * megabyte);
  await file.truncate(fileMegabytes * megabyte);
  await file.close();
}

it("a large file goes up and comes down again, and nobody has it in memory", {
  timeout: 90_000,
}, async () => {
  const folder = temporaryFolder();
  const { server, apiKey } = await startFreshServer(join(folder, "data"));
  const path = join(folder, "large");
  await makeFile(path);
  const muster = async (...argv: string[]) => {
    const env = { MUSTER_URL: server.url, MUSTER_API_KEY: apiKey };
    const command = startProcess(process.execPath, [binary, "artifact", ...argv], { cwd: folder, env });
    let most = 0;
    for (let peak = await peakOf(command.pid); peak !== undefined; peak = await peakOf(command.pid)) {
      most = peak;
      await pause(10);
    }
    return { ...(await command.ended), most };
  };
  const before = (await peakOf(server.pid)) ?? 0;

  const put = await muster("put", "large", "in/large", "--json");
  expect(put.exitCode, put.err).toBe(0);
  const sum = await sumOf(path);
  expect(JSON.parse(put.out)).toMatchObject({ bytes: fileMegabytes * megabyte, sha256: sum });
  expect(put.most).toBeLessThan(mostBytes);

  const got = await muster("get", "in/large", "back");
  expect(got.exitCode, got.err).toBe(0);
  expect(await sumOf(join(folder, "back"))).toBe(sum);
  expect(got.most).toBeLessThan(mostBytes);
  expect(((await peakOf(server.pid)) ?? 0) - before).toBeLessThan(mostGrowth);
});
