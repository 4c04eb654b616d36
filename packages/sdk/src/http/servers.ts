import { MusterError } from "../protocol/index.ts";
import type { Random } from "../time/random.ts";
import { parseServerUrl } from "./server-url.ts";

/** Where a client or agent may go: one address (of a server or a load balancer), or those of several nodes. */
export interface Servers {
  /** The one to speak to now. */
  readonly current: string;
  readonly count: number;
  /** It can't be reached, or is about to stop: from now on another one is asked. */
  failed(url: string): void;
}

/** Addresses as a list, or as one text with commas in between. Each begins with one of them by chance, to spread. */
export const createServers = (urls: string | readonly string[], random: Random): Servers => {
  const all = (typeof urls === "string" ? urls.split(",") : urls).map((url) => parseServerUrl(url.trim()));
  let at = all.length < 2 ? 0 : Math.floor(random.next() * all.length);
  const current = () => all[at % all.length] as string;
  if (all.length === 0) throw noServer();
  return {
    get current() {
      return current();
    },
    count: all.length,
    failed(url) {
      if (url === current()) at++;
    },
  };
};

/** Does `work` with the current server, and with each other one in turn while that can't be reached. */
export const withEach = async <T>(servers: Servers, work: (url: string) => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries++) {
    const url = servers.current;
    try {
      return await work(url);
    } catch (error) {
      if (!isAway(error)) throw error;
      servers.failed(url);
      if (tries >= servers.count) throw error;
    }
  }
};

export const isAway = (error: unknown): boolean =>
  error instanceof MusterError && error.code === "unavailable";

const noServer = (): MusterError =>
  new MusterError("invalid_request", "There is no address of a Muster server.", {
    hint: "Give at least one, for example http://localhost:6878.",
  });
