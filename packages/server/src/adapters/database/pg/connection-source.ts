import type { ClientBase } from "pg";

/** Where connections come from: the one connection to an embedded store, or a pool to a server. */
export interface ConnectionSource {
  /** Waits in line for a connection that is the caller's alone until it is given back. */
  acquire(): Promise<ClientBase>;
  /** Gives it back. One whose state is unknown is `broken` and is not used again. */
  release(client: ClientBase, broken: boolean): void;
}
