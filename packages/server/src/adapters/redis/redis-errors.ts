import { MusterError } from "@muster/sdk/protocol";

const hints: readonly (readonly [RegExp, string])[] = [
  [/^(NOAUTH|WRONGPASS|NOPERM)/, "Check the user and the password in REDIS_URL, and what the user may do."],
  [/^OOM/, "Redis is full: give it more memory, and set maxmemory-policy to noeviction."],
  [/^(READONLY|MASTERDOWN|CLUSTERDOWN|MOVED|ASK)/, "REDIS_URL must lead to the primary that holds the keys."],
  [/^(LOADING|BUSY|TRYAGAIN)/, "Redis is busy with itself; try again in a moment."],
];

const lookAtUrl =
  "Check that Redis runs and that REDIS_URL leads to it; Muster goes on by itself once it does.";

/** What an error of the driver means. A fault of a script is ours, and stays what it is. */
export function refusalOf(cause: unknown): unknown {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (/^(ERR|WRONGTYPE|CROSSSLOT)/.test(message)) return cause;
  const hint = hints.find(([pattern]) => pattern.test(message))?.[1];
  return new MusterError("unavailable", `Redis did not answer: ${message}`, {
    hint: hint ?? lookAtUrl,
    cause,
  });
}
