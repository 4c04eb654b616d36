import { limits } from "../protocol/index.ts";
import type { Clock, Timer } from "../time/clock.ts";
import type { Attempt } from "./attempt.ts";
import type { Connection } from "./connection.ts";

/** One report per attempt in this time. */
const streamMs = 100;
/** How soon it is asked again whether anybody watches, where nobody did. */
const restMs = 1_000;
/** Characters that wait to be sent, for each attempt. Older ones are left out, and that is said. */
const mostWaiting = 2 * limits.streamedText;
/** Of the answer under way, while nobody watches: so much does one see who comes now. */
const mostKept = 2_048;

interface Part {
  turn: number;
  text: string;
  isRestart: boolean;
  missed: number;
}

interface Stream {
  /** What was not sent yet, oldest first; one part for each turn, and one more for each restart. */
  parts: Part[];
  isWatched: boolean;
  isUnderWay: boolean;
  sentAt: number;
}

/**
 * What agents say while they work, for those who watch. Gathered for a moment and sent one report after the other; where
 * nobody watches, next to nothing is: the orchestrator is asked now and then. Nobody waits for any of it.
 */
export class Streams {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #streams = new Map<Attempt, Stream>();
  #timer: Timer | undefined;

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  add(attempt: Attempt, text: string, { turn = 0, isRestart = false } = {}): void {
    if (attempt.gone !== undefined) return;
    const known = this.#streams.get(attempt);
    const stream = known ?? {
      parts: [],
      isWatched: false,
      isUnderWay: false,
      sentAt: Number.NEGATIVE_INFINITY,
    };
    if (known === undefined) this.#streams.set(attempt, stream);
    const last = stream.parts.at(-1);
    if (last !== undefined && last.turn === turn && !isRestart) last.text += text;
    else if (text !== "" || isRestart) stream.parts.push({ turn, text: String(text), isRestart, missed: 0 });
    cut(stream, stream.isWatched ? mostWaiting : mostKept);
    this.#timer ??= this.#clock.setTimer(streamMs, () => this.#flush());
  }

  /** What is left is sent if somebody watches; nothing is kept of the attempt. */
  finish(attempt: Attempt): void {
    const stream = this.#streams.get(attempt);
    this.#streams.delete(attempt);
    if (stream?.isWatched) for (const part of stream.parts) void this.#send(attempt, stream, take(part));
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const now = this.#clock.now();
    for (const [attempt, stream] of this.#streams) {
      if (attempt.gone !== undefined) this.#streams.delete(attempt);
      else if (!stream.isUnderWay && stream.sentAt + (stream.isWatched ? streamMs : restMs) <= now)
        void this.#next(attempt, stream, now);
    }
    const waiting = [...this.#streams.values()].filter(({ parts }) => parts.length > 0);
    const delayMs = waiting.some(({ isWatched }) => isWatched) ? streamMs : restMs;
    if (waiting.length > 0) this.#timer = this.#clock.setTimer(delayMs, () => this.#flush());
  }

  async #next(attempt: Attempt, stream: Stream, now: number): Promise<void> {
    const [part] = stream.parts;
    if (part === undefined) return;
    stream.sentAt = now;
    stream.isUnderWay = true;
    if (!stream.isWatched) {
      // Only a question; what was said is told once somebody is there to hear it.
      await this.#send(attempt, stream, { turn: part.turn, text: "", isRestart: false, missed: 0 });
      stream.isUnderWay = false;
      if (!stream.isWatched) return;
      stream.sentAt = Number.NEGATIVE_INFINITY;
      this.#flush();
    } else {
      const sent = take(part);
      if (part.text === "") stream.parts.shift();
      await this.#send(attempt, stream, sent);
      stream.isUnderWay = false;
    }
  }

  async #send(attempt: Attempt, stream: Stream, { turn, text, isRestart, missed }: Part): Promise<void> {
    const body = {
      ...attempt.lease,
      turn,
      text,
      ...(isRestart ? { isRestart } : {}),
      ...(missed > 0 ? { missed } : {}),
    };
    try {
      stream.isWatched = (await this.#connection.request("stream", body)).watched;
    } catch {
      // An orchestrator that does not know this, or can't be reached, watches nothing.
      stream.isWatched = false;
    }
  }
}

/** As much of a part as one report takes; the rest stays in it. */
const take = (part: Part): Part => {
  const taken = { ...part, text: part.text.slice(0, limits.streamedText) };
  part.text = part.text.slice(limits.streamedText);
  part.isRestart = false;
  part.missed = 0;
  return taken;
};

/** Leaves out the oldest of what waits, so that no more than `most` characters do. */
const cut = (stream: Stream, most: number): void => {
  const { parts } = stream;
  let over = parts.reduce((sum, { text }) => sum + text.length, 0) - most;
  while (over > 0) {
    const [first] = parts;
    if (first === undefined) return;
    const lost = Math.min(over, first.text.length);
    first.text = first.text.slice(lost);
    first.missed += lost;
    over -= lost;
    if (first.text !== "" || parts.length === 1) return;
    const next = parts[1]!;
    next.missed += next.isRestart ? 0 : first.missed;
    parts.shift();
  }
  // Restarts without a text would be many, too.
  if (parts.length > mostParts) parts.splice(0, parts.length - mostParts);
};

const mostParts = 32;
