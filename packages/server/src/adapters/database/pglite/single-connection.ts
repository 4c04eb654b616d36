import { MusterError } from "@muster/sdk/protocol";
import type { Client, ClientBase } from "pg";
import type { ConnectionSource } from "../pg/connection-source.ts";

/** Callers in line for the one connection. Beyond it something is wrong and waiting would only hide it. */
const longestQueue = 100_000;

interface Waiter {
  resolve(client: ClientBase): void;
  reject(error: Error): void;
}

export interface SingleConnection extends ConnectionSource {
  /** Refuses everybody from now on, those in line first. */
  fail(error: Error): void;
  /** Refuses newcomers and waits until everybody in line had their turn. */
  close(): Promise<void>;
}

/** Hands one connection around, first come, first served: a transaction holds it, and so does a single query. */
export function createSingleConnection(client: Client): SingleConnection {
  let line: Waiter[] = [];
  let first = 0;
  let busy = false;
  let failure: Error | undefined;
  let idle: (() => void) | undefined;

  const takeNext = (): Waiter | undefined => {
    const waiter = line[first];
    if (waiter === undefined) return undefined;
    first += 1;
    // Cutting the front off now and then keeps each step cheap however long the line is.
    if (first > 1_000 && first * 2 > line.length) {
      line = line.slice(first);
      first = 0;
    }
    return waiter;
  };

  return {
    acquire() {
      if (failure) return Promise.reject(failure);
      if (!busy) {
        busy = true;
        return Promise.resolve(client);
      }
      if (line.length - first >= longestQueue)
        return Promise.reject(
          new MusterError("unavailable", `More than ${longestQueue} calls wait for the database.`, {
            hint: "Send less at once, or use a PostgreSQL server.",
          }),
        );
      return new Promise((resolve, reject) => {
        line.push({ resolve, reject });
      });
    },
    release(_client, broken) {
      if (broken) this.fail(new MusterError("unavailable", "The connection to the store was lost."));
      const next = takeNext();
      if (next) return next.resolve(client);
      busy = false;
      idle?.();
    },
    fail(error) {
      failure ??= error;
      for (let next = takeNext(); next; next = takeNext()) next.reject(failure);
    },
    async close() {
      failure ??= new MusterError("unavailable", "The database is closed.");
      if (busy)
        await new Promise<void>((resolve) => {
          idle = resolve;
        });
    },
  };
}
