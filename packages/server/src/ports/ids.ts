/** The only source of identity in core. Seeded in simulations. */
export interface Ids {
  /** A UUID that sorts by the time of its making (version 7). */
  next(): string;
  /** An unguessable token: 256 bits, URL-safe. */
  secret(): string;
}
