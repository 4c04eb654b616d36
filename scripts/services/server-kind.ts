/** A program to run. */
export interface Command {
  file: string;
  argv: readonly string[];
  env?: Record<string, string>;
  /** As whom, where the caller may choose. */
  user?: { uid: number; gid: number };
}

/**
 * A server that Muster can stand on, as the machine's own packages have it: how to tell that one can be used, and how
 * to run one of our own, in a folder, without a service manager and without asking for root.
 */
export interface ServerKind {
  /** As people call it. */
  name: string;
  /** What its folder and its line of a report are called. */
  id: "postgresql" | "rabbitmq" | "redis" | "s3";
  /** The variable that tells tests where it is. */
  variable:
    | "MUSTER_TEST_DATABASE_URL"
    | "MUSTER_TEST_AMQP_URL"
    | "MUSTER_TEST_REDIS_URL"
    | "MUSTER_TEST_S3_URL";
  /** Where one is found that nobody configured. */
  usualUrl: string;
  /** Debian's packages that hold it. */
  packages: readonly string[];
  /** Ports that an instance of our own listens at. */
  portCount: number;
  /** Ends it in peace. */
  stopSignal: NodeJS.Signals;
  /** Why this machine can't run one of our own; null: it can. */
  obstacle(): string | null;
  /** Makes the folder ready, once. It exists and is empty. */
  prepare(folder: string, ports: readonly number[]): Promise<void>;
  command(folder: string, ports: readonly number[]): Command;
  /** A program that must run beside it, and that outlives its crashes. */
  companion?(folder: string, ports: readonly number[]): Command;
  url(ports: readonly number[]): string;
  /** Why the server at `url` can't be used; null: it can. */
  refusal(url: string): Promise<string | null>;
  /** Why tests could not manage a server that is not ours; null: they can. */
  managementRefusal?(): Promise<string | null>;
  /** What tests need to know of an instance of our own, beside its address. */
  environment?(folder: string): Record<string, string>;
}

/** A server that does not answer a question within this time is taken for unusable. */
export const answerMs = 5_000;
