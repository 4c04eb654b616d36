import type { S3Operation } from "./s3-operations.ts";
import { S3Refusal } from "./s3-refusal.ts";

/** One thing that goes wrong with one call, or several in a row. */
export interface Fault {
  operation: S3Operation;
  /** Of this object only. */
  key?: string;
  /** So many calls go well before. */
  after?: number;
  /** So many calls run into it; 1 by default. */
  times?: number;
  /** The connection ends before the request was read. */
  cutRequest?: boolean;
  /** It is done, and the connection ends after so many bytes of the answer's content; -1: before the answer. */
  cutAnswerAfter?: number;
  /** It is refused. */
  refusal?: S3Refusal;
  /** One byte of the answer's content is another. */
  wrongByteAt?: number;
  /** It is done when this resolves. */
  hold?: Promise<void>;
}

export const slowDown = (): S3Refusal => new S3Refusal(503, "SlowDown", "Please reduce your request rate.");
