import { afterAll, beforeAll } from "vitest";
import { cleanUp } from "../../support/processes.ts";
import { type Servers, startServers } from "./servers.ts";

/** Servers of the test file's own, from before its first test until after its last. */
export function useServers(): () => Servers {
  let servers: Servers | undefined;
  beforeAll(async () => {
    servers = await startServers();
  }, 180_000);
  afterAll(async () => {
    await servers?.remove();
    await cleanUp();
  }, 60_000);
  return () => {
    if (servers === undefined) throw new Error("The servers are not there before the first test.");
    return servers;
  };
}
