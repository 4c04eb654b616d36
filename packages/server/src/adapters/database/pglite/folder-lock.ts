import { randomUUID } from "node:crypto";
import {
  copyFile,
  constants as fsConstants,
  link,
  readdir,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { MusterError } from "@muster/sdk/protocol";
import { describeThisProcess, type Holder, judge, readHolder } from "./lock-holder.ts";

/** How often a holder shows that it lives, for those who can't look at its process. */
const signOfLifeMs = 5_000;
/** A holder on another machine or in another container is dead when it gave no sign for this long. */
const silenceMs = 20_000;
/** Starters that keep losing races give up after this many tries. */
const tries = 50;

export interface FolderLockOptions {
  onProgress?: (sentence: string) => void;
  /** Told when somebody else turned out to have the lock, as when it was deleted by hand. */
  onLost?: (error: MusterError) => void;
  /** Overrides `silenceMs`. */
  longestSilenceMs?: number;
}

/**
 * Takes `<dataDir>/lock` and resolves with the function that gives it back. PGlite has no lock of its own, and two
 * processes in one folder destroy it, so this is never taken from a holder that lives: `storage_locked` instead.
 *
 * The lock appears whole or not at all (a hard link to a finished file). To take over from a dead holder a starter
 * first creates `lock.<token of the dead>.taken`, which exactly one starter can, and then renames its own file over
 * the lock. Had a starter died in between, its claim is what the next one claims.
 */
export async function takeFolderLock(
  dataDir: string,
  options: FolderLockOptions = {},
): Promise<() => Promise<void>> {
  const { onProgress = () => {}, longestSilenceMs = silenceMs } = options;
  const path = join(dataDir, "lock");
  const me: Holder = { token: randomUUID(), ...(await describeThisProcess()) };
  const mine = join(dataDir, `lock.${me.token}.new`);
  await writeFile(mine, `${JSON.stringify(me)}\n`, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < tries; attempt++) {
      if (await createExclusively(mine, path)) return hold(path, me, options);
      const root = await readHolder(path);
      if (!root) continue;
      const holder = await lastClaimant(dataDir, root);
      const state = await judge(holder.holder);
      if (state === "alive") throw locked(dataDir, holder.holder);
      if (state === "unknown") {
        onProgress(`waiting to see whether ${whoIs(holder.holder)} still uses ${dataDir}…`);
        if (await showsLife(holder.path, longestSilenceMs)) throw locked(dataDir, holder.holder);
      }
      if (await takeOver(dataDir, mine, root, holder.holder)) return hold(path, me, options);
      await pause(10 + attempt);
    }
    throw new MusterError("storage_locked", `Too many processes try to open ${dataDir} at once.`, {
      hint: "Start one of them.",
    });
  } finally {
    await rm(mine, { force: true });
  }
}

const claimPath = (dataDir: string, token: string): string => join(dataDir, `lock.${token}.taken`);

/** Follows the claims from the lock's holder to the process that holds it in truth. */
async function lastClaimant(dataDir: string, root: Holder): Promise<{ holder: Holder; path: string }> {
  let found = { holder: root, path: join(dataDir, "lock") };
  for (let depth = 0; depth < tries; depth++) {
    const path = claimPath(dataDir, found.holder.token);
    const claimant = await readHolder(path);
    if (!claimant) break;
    found = { holder: claimant, path };
  }
  return found;
}

async function takeOver(dataDir: string, mine: string, root: Holder, dead: Holder): Promise<boolean> {
  const lock = join(dataDir, "lock");
  const claim = claimPath(dataDir, dead.token);
  if (!(await createExclusively(mine, claim))) return false;
  // Somebody may have finished taking over, and cleaned up, since we read the lock: then our claim means nothing.
  const current = await readHolder(lock);
  if (current?.token !== root.token) {
    await rm(claim, { force: true });
    return false;
  }
  await rename(mine, lock);
  await removeLeftovers(dataDir);
  return true;
}

/** Removes the claims and unfinished files of starters that died. Only the holder does this, after its rename. */
async function removeLeftovers(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const path = join(dataDir, name);
    if (/^lock\..+\.taken$/.test(name)) await rm(path, { force: true });
    if (!/^lock\..+\.new$/.test(name)) continue;
    const starter = await readHolder(path);
    if (starter && (await judge(starter)) === "dead") await rm(path, { force: true });
  }
}

async function createExclusively(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS" && code !== "EMLINK") throw error;
  }
  // A file system without hard links. Readers give the writer a moment to finish.
  return copyFile(from, to, fsConstants.COPYFILE_EXCL).then(
    () => true,
    (error) => {
      if (error.code === "EEXIST") return false;
      throw error;
    },
  );
}

/** Watches a lock's file for a sign of life. Its times are only compared with each other, for clocks differ. */
async function showsLife(path: string, longestSilenceMs: number): Promise<boolean> {
  const seen = () =>
    stat(path).then(
      (file) => file.mtimeMs,
      () => undefined,
    );
  const first = await seen();
  const until = performance.now() + longestSilenceMs;
  while (performance.now() < until) {
    await pause(Math.min(500, longestSilenceMs));
    const now = await seen();
    if (now === undefined) return false;
    if (now !== first) return true;
  }
  return false;
}

function hold(path: string, me: Holder, { onLost }: FolderLockOptions): () => Promise<void> {
  const isMine = async () => (await readHolder(path))?.token === me.token;
  const beat = setInterval(async () => {
    if (await isMine()) {
      const now = new Date();
      await utimes(path, now, now).catch(() => {});
      return;
    }
    clearInterval(beat);
    onLost?.(
      new MusterError("storage_locked", `The lock ${path} was removed or taken by another process.`, {
        hint: "Only one process may use the folder. Stop all of them, then start one.",
      }),
    );
  }, signOfLifeMs);
  beat.unref();
  return async () => {
    clearInterval(beat);
    if (await isMine()) await rm(path, { force: true });
  };
}

function locked(dataDir: string, holder: Holder): MusterError {
  return new MusterError("storage_locked", `The data folder ${dataDir} is in use by ${whoIs(holder)}.`, {
    hint: "Stop that process, talk to its server with --server URL, or choose another folder with --data-dir.",
  });
}

function whoIs({ pid, host, startedAt }: Holder): string {
  if (pid === 0) return "a process whose lock file is damaged";
  if (pid === process.pid && host === hostname()) return `this process (${pid}) already`;
  return `process ${pid} on ${host} since ${startedAt}`;
}
