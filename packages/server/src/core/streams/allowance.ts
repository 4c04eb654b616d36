import type { Clock } from "../../ports/clock.ts";

/** Pieces a second of one task, and characters; as much can be saved up for two seconds. */
const piecesPerSecond = 20;
const charactersPerSecond = 64 * 1024;
const savedMs = 2_000;
/** Tasks that are reckoned with; one that was forgotten begins with all it may save. */
const mostTasks = 10_000;

interface Account {
  pieces: number;
  characters: number;
  at: number;
  /** Characters that were left out since the last piece that was let through. */
  missed: number;
}

/**
 * What one task may say in a while: an agent that says more than anybody can read costs those who watch, and the other
 * nodes, no more than this.
 */
export function createAllowance(clock: Clock) {
  const accounts = new Map<string, Account>();

  function accountOf(taskId: string): Account {
    const now = clock.now();
    const full = {
      pieces: (piecesPerSecond * savedMs) / 1_000,
      characters: (charactersPerSecond * savedMs) / 1_000,
    };
    const account = accounts.get(taskId) ?? { ...full, at: now, missed: 0 };
    const seconds = Math.max(0, now - account.at) / 1_000;
    account.pieces = Math.min(full.pieces, account.pieces + seconds * piecesPerSecond);
    account.characters = Math.min(full.characters, account.characters + seconds * charactersPerSecond);
    account.at = now;
    if (!accounts.has(taskId) && accounts.size >= mostTasks) accounts.clear();
    accounts.set(taskId, account);
    return account;
  }

  return {
    /** How many characters are missing before this text; undefined where it is left out itself. */
    take(taskId: string, text: string, missed: number): number | undefined {
      const account = accountOf(taskId);
      if (account.pieces < 1 || account.characters < text.length) {
        account.missed += text.length + missed;
        return undefined;
      }
      account.pieces -= 1;
      account.characters -= text.length;
      const all = account.missed + missed;
      account.missed = 0;
      return all;
    },
  };
}
