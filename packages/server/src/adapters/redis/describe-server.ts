import type { Redis } from "ioredis";
import type { Log } from "../../ports/log.ts";

export interface RedisServer {
  /** Another one after every start: it tells a server that was away from one that may have lost something. */
  runId: string;
}

const unknownServer: RedisServer = { runId: "unknown" };

/** Asks a server who it is, and says where it is set up in a way that would lose keys. */
export async function describeServer(client: Redis, log: Log): Promise<RedisServer> {
  const info = await client.info().catch((error: Error) => {
    if (!error.message.startsWith("NOPERM")) throw error;
    log.warn({ error }, "Redis does not say who it is, so a restart from an old snapshot goes unnoticed.");
    return "";
  });
  const facts = new Map(info.split("\r\n").map((line) => line.split(":", 2) as [string, string]));
  const policy = facts.get("maxmemory_policy");
  if (policy !== undefined && policy !== "noeviction" && facts.get("maxmemory") !== "0") {
    log.warn({ policy }, "Redis may evict keys that count: set maxmemory-policy to noeviction.");
  }
  const runId = facts.get("run_id");
  return runId === undefined ? unknownServer : { runId };
}
