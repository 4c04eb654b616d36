/** The only source of identity in core. Seeded in simulations. */
export interface Ids {
  /** A UUID that sorts by the time of its making (version 7). */
  next(): string;
  /** An unguessable token: 256 bits, URL-safe. */
  secret(): string;
  /** What is kept of a secret: its SHA-256 in hex. Enough for secrets of 256 bits. */
  fingerprint(secret: string): string;
}
