import { Redis } from "ioredis";
import { findProgram } from "./find-program.ts";
import { answerMs, type ServerKind } from "./server-kind.ts";

export const redis: ServerKind = {
  name: "Redis",
  id: "redis",
  variable: "MUSTER_TEST_REDIS_URL",
  usualUrl: "redis://127.0.0.1:6379",
  packages: ["redis-server"],
  portCount: 1,
  stopSignal: "SIGTERM",
  obstacle: () => (findProgram("redis-server") === null ? "it is not installed" : null),
  prepare: async () => undefined,
  // Nothing is saved: Muster keeps in Redis only what it can fill in again, and a restart has to show that.
  command: (folder, [port]) => ({
    file: findProgram("redis-server")!,
    argv: ["--bind", "127.0.0.1", "--port", `${port}`, "--dir", folder, "--save", "", "--appendonly", "no"],
  }),
  url: ([port]) => `redis://127.0.0.1:${port}`,
  async refusal(url) {
    const client = new Redis(url, {
      lazyConnect: true,
      connectTimeout: answerMs,
      commandTimeout: answerMs,
      retryStrategy: () => null,
    });
    let cause: Error | undefined;
    client.on("error", (error) => {
      cause = error;
    });
    try {
      await client.connect();
      await client.ping();
      return null;
    } catch (error) {
      return (cause ?? (error as Error)).message;
    } finally {
      client.disconnect();
    }
  },
};
