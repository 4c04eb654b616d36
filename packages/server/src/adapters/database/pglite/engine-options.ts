/** How an engine is opened. Goes to the worker by structured clone. */
export interface EngineOptions {
  /** Folder with PostgreSQL's files; null for a database in memory. */
  folder: string | null;
  /** For a database in memory: a tar archive, gzip allowed, of the files to begin with. */
  archive?: Uint8Array | undefined;
}

/** An opened engine. Requests are answered strictly in order. */
export interface Engine {
  /** Whole messages of the wire protocol, ending where PostgreSQL answers. The bytes are given away. */
  send(request: Uint8Array<ArrayBuffer>): void;
  close(): Promise<void>;
}

export interface EngineEvents {
  /** The whole answer to one request. */
  reply(bytes: Uint8Array): void;
  /** The engine is beyond help: nothing more will be answered. */
  broken(error: Error): void;
}
