import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below the ports that systems give to outgoing connections: a server that is down for a while must not find its port
 * taken by somebody's connection, nor a client that tries again and again its own.
 */
const lowest = 20_000;
const highest = 32_000;
const tries = 1_000;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });

/** As many different ports of this machine that nobody listens at. Whoever wants one takes it soon. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; attempt < tries && ports.size < count; attempt++) {
    const port = randomInt(lowest, highest);
    if (await isFree(port)) ports.add(port);
  }
  if (ports.size < count) throw new Error(`There is no free port from ${lowest} to ${highest}.`);
  return [...ports];
}
