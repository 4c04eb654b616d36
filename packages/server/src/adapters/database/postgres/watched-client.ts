import type { Socket } from "node:net";
import pg from "pg";
import { ServerSilent } from "../pg/pg-errors.ts";
import type { WatchedConnection } from "./silence-watch.ts";

/** What the driver has and its types do not say. */
interface Inside {
  connection: { stream: Socket };
  processID: number | null;
  readyForQuery: boolean;
}

const inside = (client: pg.ClientBase): Inside => client as unknown as Inside;

/** Bytes that have come from the server over this connection. */
export const bytesRead = (client: pg.ClientBase): number => inside(client).connection.stream.bytesRead;

/**
 * Lets go of a connection at once, whatever it is doing, and without a word to the server. What the system still holds
 * back of it is not sent any more, so that it does not take effect long after somebody was told that it failed; where it
 * is encrypted that can't be had.
 */
export function dropConnection(client: pg.ClientBase, reason?: Error): void {
  const { stream } = inside(client).connection;
  if (stream.destroyed) return;
  // A reset tells no reason, so the driver hears it first.
  if (reason !== undefined) stream.emit("error", reason);
  try {
    stream.resetAndDestroy();
  } catch {
    // Only a plain connection over TCP can be reset.
  }
  stream.destroy();
}

/** A connection of a pool that can be watched for silence. */
export class WatchedClient extends pg.Client implements WatchedConnection {
  /** The server's process behind it, as long as that is known. */
  backend: number | undefined;

  get bytesRead(): number {
    return bytesRead(this);
  }

  get isWaiting(): boolean {
    return !inside(this).readyForQuery;
  }

  /** Remembers the process, `pid` by its own words. Behind a pooler those differ from what the connection was told. */
  knowBackend(pid: number): void {
    this.backend = inside(this).processID === pid ? pid : undefined;
  }

  giveUp(): void {
    dropConnection(this, new ServerSilent());
  }
}
