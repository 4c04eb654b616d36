/*
 * A line over which nothing passes any more looks like a server that thinks: no error, no answer. So whoever has waited
 * for an answer for a while makes us ask the server over a fresh connection. Where that is not answered either, the line
 * is silent, and all that wait for it are told so instead of waiting on. Where it is, the server also says whether it is
 * at work on what they wait for: a statement may take its time, and a connection that was forgotten somewhere on the way
 * is found out.
 */

/** A connection in somebody's hands. */
export interface WatchedConnection {
  /** Whether something was sent that is not answered yet. */
  readonly isWaiting: boolean;
  /** Bytes that have come from the server. */
  readonly bytesRead: number;
  /** The server's process behind it, where that is known. */
  readonly backend: number | undefined;
  /** Ends it; what is under way on it fails. */
  giveUp(): void;
}

/**
 * What processes of the server do instead of working on a statement, in words that change with every statement. One that
 * works is there as an empty text; one that is not there has ended.
 */
export type Idleness = ReadonlyMap<number, string>;

/** A question to the server over a connection of its own. */
export interface Probe {
  /** `asked`: nothing has come back yet; `answered`: something has; `refused`: there is no server. */
  readonly state: "asked" | "answered" | "refused";
  /** Nothing more is to be expected. */
  readonly done: boolean;
  /** Of the processes that were asked about; there where the server was able to say. */
  readonly idleness: Idleness | undefined;
  end(): void;
}

export interface SilenceWatchOptions {
  /** A server that sends nothing for this long when it is asked is out of reach; 2 s when left out. */
  patienceMs?: number | undefined;
  probe(backends: readonly number[]): Probe;
  /** Nothing passes any more: all connections are to be given up. */
  onSilent(): void;
  /** One connection was given up, the line is well: others that have not been used since may be as dead. */
  onForgotten(): void;
  /** The server answers again. */
  onBack(): void;
}

/** How often to look, in milliseconds. */
export const lookEveryMs = 250;
/** Who waits for longer than this makes us ask. */
const suspectMs = 1_500;
/** Between two questions about one connection at least, and, as long as its statement takes, at most. */
const leastPauseMs = 1_000;
const mostPauseMs = 10_000;
/** Looks that come this late say that this process stood still, and that what came meanwhile is still to be read. */
const stoodStillMs = 1_000;

interface Held {
  bytes: number;
  /** Since when nothing came over it. */
  quietSince: number;
  askAgainAt: number;
  /** What its process said when asked last, if it did not work. */
  idle: string | undefined;
}

export interface SilenceWatch {
  readonly silent: boolean;
  take(connection: WatchedConnection, now: number): void;
  giveBack(connection: WatchedConnection, now: number): void;
  /** To be called every `lookEveryMs`, with since when the first of those waits who wait for a connection. */
  look(now: number, waitingSince: number | undefined): void;
  end(): void;
}

export function createSilenceWatch(options: SilenceWatchOptions): SilenceWatch {
  const { patienceMs = 2_000 } = options;
  const held = new Map<WatchedConnection, Held>();
  let silent = false;
  let probe: { asked: Probe; at: number; about: WatchedConnection[] } | undefined;
  let heardAt = Number.NEGATIVE_INFINITY;
  let lastLook: number | undefined;
  /** Before this the process did not run: what nobody could have heard was no silence. */
  let awakeSince = Number.NEGATIVE_INFINITY;
  let askForOneAt = Number.NEGATIVE_INFINITY;

  const quietMs = (since: number, now: number): number => now - Math.max(since, awakeSince);

  function listen(now: number): void {
    if (lastLook !== undefined && now - lastLook > stoodStillMs) awakeSince = now;
    lastLook = now;
    for (const [connection, entry] of held) {
      const bytes = connection.bytesRead;
      if (bytes === entry.bytes && connection.isWaiting) continue;
      if (bytes !== entry.bytes) heardAt = now;
      Object.assign(entry, { bytes, quietSince: now, idle: undefined });
    }
  }

  function ask(now: number, about: WatchedConnection[]): void {
    const backends = about.flatMap(({ backend }) => backend ?? []);
    probe = { asked: options.probe(backends), at: now, about };
  }

  function endProbe(): void {
    probe?.asked.end();
    probe = undefined;
  }

  /** Asks where somebody has waited for long. */
  function suspect(now: number, waitingSince: number | undefined): void {
    const about = [...held].flatMap(([connection, { quietSince, askAgainAt }]) =>
      now >= askAgainAt && quietMs(quietSince, now) >= suspectMs ? [connection] : [],
    );
    const oneWaits =
      waitingSince !== undefined && now >= askForOneAt && quietMs(waitingSince, now) >= suspectMs;
    if (oneWaits) askForOneAt = now + suspectMs;
    if (about.length > 0 || oneWaits) ask(now, about);
  }

  function fallSilent(): void {
    endProbe();
    silent = true;
    held.clear();
    options.onSilent();
  }

  /** What the answer says of those that it was asked about. */
  function judge(now: number, about: readonly WatchedConnection[], idleness: Idleness | undefined): void {
    let forgotten = false;
    for (const connection of about) {
      const entry = held.get(connection);
      const { backend } = connection;
      if (entry === undefined || quietMs(entry.quietSince, now) < suspectMs) continue;
      entry.askAgainAt = now + Math.min(Math.max(now - entry.quietSince, leastPauseMs), mostPauseMs);
      if (idleness === undefined || backend === undefined) continue;
      const idle = idleness.get(backend) ?? "gone";
      if (idle === "") continue;
      // Once may be an answer that is just coming; twice the same is one that does not come.
      if (idle === entry.idle) {
        held.delete(connection);
        connection.giveUp();
        forgotten = true;
      }
      Object.assign(entry, { idle, askAgainAt: now + leastPauseMs });
    }
    if (forgotten) options.onForgotten();
  }

  /** Asks again and again. Where nobody is there to answer, the line is well again. */
  function lookForReturn(now: number): void {
    if (probe === undefined) {
      ask(now, []);
      return;
    }
    const came = probe.asked.state !== "asked";
    if (came || quietMs(probe.at, now) >= patienceMs) endProbe();
    if (!came) return;
    silent = false;
    options.onBack();
  }

  function lookForAnswer(now: number, { asked, at, about }: NonNullable<typeof probe>): void {
    const over = quietMs(at, now) >= patienceMs;
    const nothing = asked.state === "refused" || (over && asked.state === "asked");
    if (nothing && heardAt <= at) fallSilent();
    else if (over || asked.done) {
      endProbe();
      judge(now, about, asked.idleness);
    }
  }

  return {
    get silent() {
      return silent;
    },
    take(connection, now) {
      const bytes = connection.bytesRead;
      held.set(connection, { bytes, quietSince: now, askAgainAt: now, idle: undefined });
    },
    giveBack(connection, now) {
      const entry = held.get(connection);
      held.delete(connection);
      if (entry !== undefined && connection.bytesRead !== entry.bytes) heardAt = now;
    },
    look(now, waitingSince) {
      listen(now);
      if (silent) lookForReturn(now);
      else if (probe === undefined) suspect(now, waitingSince);
      else lookForAnswer(now, probe);
    },
    end: endProbe,
  };
}
