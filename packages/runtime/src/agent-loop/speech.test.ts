import fc from "fast-check";
import { expect, it } from "vitest";
import { createScrubber } from "../tools/create-scrubber.ts";
import { createSpeech } from "./speech.ts";

const passphrase = "correct horse battery staple";
const scrub = createScrubber({ values: [passphrase, "hunter2hunter2"] });

/** What watchers read, piece by piece. */
const shown = (deltas: readonly string[]): string[] => {
  const pieces: string[] = [];
  const speech = createSpeech({ stream: (text) => void pieces.push(text) }, scrub);
  for (const delta of deltas) speech.add({ taskId: "t", turn: 1, delta, isRestart: false });
  speech.end();
  return pieces;
};

/** Put together here, so that this file holds none. */
const line = (word: string): string => `-----${word} RSA PRIVATE KEY-----`;
const pem = `${line("BEGIN")}\n${"MIIEpAIBAAKCAQEA7v\n".repeat(20)}${line("END")}`;
const secrets = [
  passphrase,
  "hunter2hunter2",
  `sk-ant-${"abcd0123".repeat(5)}`,
  `ghp_${"a1B2".repeat(10)}`,
  ["postgres://app:", "s3cr3tpass", "@db.example.com/shop"].join(""),
  pem,
];
const prose = "The quick brown fox jumps over the lazy dog. ".repeat(4);

it("shows no secret, wherever the pieces of an answer cut it in two", () => {
  const parts = fc.array(
    fc.oneof(fc.constantFrom(...secrets), fc.constantFrom(prose, "\n", "Its key is: ")),
    {
      minLength: 1,
      maxLength: 6,
    },
  );
  const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(parts, cuts, (texts, lengths) => {
      const text = texts.map((one) => `${one} `).join("");
      const deltas: string[] = [];
      for (let at = 0, n = 0; at < text.length; n++) {
        const length = lengths[n % lengths.length]!;
        deltas.push(text.slice(at, at + length));
        at += length;
      }
      expect(shown(deltas).join("")).toBe(scrub(text));
    }),
    { numRuns: 300 },
  );
});

it("shows words while they come", () => {
  const pieces = shown([...prose.repeat(5)]);
  expect(pieces.length).toBeGreaterThan(5);
  expect(pieces.join("")).toBe(prose.repeat(5));
  // Languages without blanks need not wait for one.
  expect(shown(Array.from({ length: 500 }, () => "字")).length).toBeGreaterThan(3);
});

it("holds back no more than a bound, and forgets what is made anew", () => {
  const endless = shown(Array.from({ length: 3_000 }, () => "x".repeat(40)));
  expect(endless.length).toBeGreaterThan(1);
  expect(endless.join("")).toHaveLength(120_000);
  const pieces: { text: string; isRestart?: boolean }[] = [];
  const speech = createSpeech(
    { stream: (text, about) => void pieces.push({ text, isRestart: about?.isRestart === true }) },
    scrub,
  );
  speech.add({ taskId: "t", turn: 1, delta: "half a wor", isRestart: false });
  speech.add({ taskId: "t", turn: 1, delta: "", isRestart: true });
  speech.add({ taskId: "t", turn: 1, delta: "whole", isRestart: false });
  speech.end();
  expect(pieces).toEqual([
    { text: "", isRestart: true },
    { text: "whole", isRestart: false },
  ]);
});
