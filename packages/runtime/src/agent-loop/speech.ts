import type { TaskContext } from "@muster/sdk";
import type { Scrub } from "../tools/create-scrubber.ts";
import type { StreamedText } from "./loop-settings.ts";

/** Characters that are freed of secrets together: looking at each token alone would cost more than the token. */
const fewestChars = 80;
/** Characters that are held back at most, since they may be the beginning of a secret. */
const mostHeld = 24_000;
/** Of what is held too long, so much stays: what begins in it may still become a secret. */
const stillHeld = 512;

/**
 * Shows the words of a model to those who watch its task, without secrets. One that is cut in two by the pieces in which an
 * answer comes would not be known for one, so what may be the beginning of a secret waits for what follows.
 */
export const createSpeech = (context: Pick<TaskContext, "stream">, scrub: Scrub) => {
  let turn = 0;
  let held = "";

  const show = (text: string, isRestart = false): void => {
    if (text !== "" || isRestart) context.stream(text, { turn, isRestart });
  };

  const speak = (): void => {
    const unsure = scrub.unsure?.(held) ?? held.length;
    let upTo = held.length - unsure;
    if (unsure > mostHeld) upTo = held.length - stillHeld;
    // Not in the middle of what is known for a secret already.
    if (upTo <= 0 || scrub(held) !== scrub(held.slice(0, upTo)) + scrub(held.slice(upTo))) {
      if (held.length > 2 * mostHeld) end();
      return;
    }
    show(scrub(held.slice(0, upTo)));
    held = held.slice(upTo);
  };

  const end = (): void => {
    show(scrub(held));
    held = "";
  };

  return {
    add(text: StreamedText): void {
      if (text.turn !== turn) end();
      turn = text.turn;
      if (text.isRestart) {
        held = "";
        show("", true);
      }
      held += text.delta;
      if (held.length >= fewestChars) speak();
    },
    /** Nothing follows in this turn. */
    end,
  };
};
