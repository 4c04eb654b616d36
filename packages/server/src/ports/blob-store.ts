/** What is known of a blob. */
export interface BlobInfo {
  key: string;
  bytes: number;
  /** SHA-256 of the content, hex. */
  sha256: string;
  contentType: string;
  /** Milliseconds since the epoch, to the second, by the clock of the store. */
  storedAt: number;
}

/** What a listing tells of each blob. */
export type BlobEntry = Pick<BlobInfo, "key" | "bytes" | "storedAt">;

export interface BlobPage {
  blobs: BlobEntry[];
  /** Pass it as `after` to get the next page; null: this was the last. */
  next: string | null;
}

/** The content of a blob, once. Holds a file or a connection until it was read to its end, left, or cancelled. */
export interface BlobBody extends AsyncIterable<Uint8Array> {
  /** Lets go of it unread. */
  cancel(): Promise<void>;
}

export interface Blob {
  info: BlobInfo;
  body: BlobBody;
}

export interface PutOptions {
  /** 1 to 255 printable characters; `application/octet-stream` where it is left out. */
  contentType?: string;
  /** SHA-256 in hex that the content must have; any other is refused with `checksum_mismatch`. */
  sha256?: string;
  /** Calls the put off: it rejects with the signal's reason and nothing of it stays. */
  signal?: AbortSignal;
}

export interface GetOptions {
  /** Only the bytes from `start` to `end`, both included and cut at the end of the blob. Parts are not checked against the sum. */
  range?: { start: number; end: number };
  signal?: AbortSignal;
}

/**
 * Files that outlive the database: backups, snapshots, large payloads. A blob appears whole or not at all and never
 * changes under a reader: putting a key again replaces it for those who come later, and of several who put one key
 * at once the last one wins, whole. What is put is durable when the promise resolves.
 *
 * Keys are 1 to 700 characters, in segments between `/` of 1 to 120 of `A-Z a-z 0-9 . _ -`; no segment is `.` or `..`.
 *
 * Errors: `invalid_request` for a bad key or content type, `not_found`, `checksum_mismatch`, `content_damaged` where
 * what is stored is not what was put, `unavailable` where the store can't be used now. What the body of a put throws is passed on.
 */
export interface BlobStore {
  /** Streams `body` in with bounded memory, and never reads further ahead than that. */
  put(key: string, body: AsyncIterable<Uint8Array>, options?: PutOptions): Promise<BlobInfo>;
  /** Streams it out. Damaged content fails before its last bytes are given out. */
  get(key: string, options?: GetOptions): Promise<Blob>;
  head(key: string): Promise<BlobInfo | null>;
  /** Deleting what is not there is fine. */
  delete(key: string): Promise<void>;
  /** Blobs whose key begins with `prefix` and comes behind `after`, by code unit. `limit` is 1 to 1,000 (1,000). */
  list(prefix: string, options?: { after?: string; limit?: number }): Promise<BlobPage>;
  /** Removes what broken puts left behind and nobody can be working on any more; answers how many. Stores do so by themselves, too. */
  sweep(): Promise<number>;
  /** Proves that the store can be written and read. */
  check(): Promise<void>;
  close(): Promise<void>;
}
