import { expect, test } from "vitest";
import { fillArguments } from "./fill-arguments.ts";

const fill = (text: string, said: string, ...argumentNames: string[]): string =>
  fillArguments({ text, argumentNames }, said);

test.each([
  ["Mend $ARGUMENTS now.", "the chain", "Mend the chain now."],
  ["$ARGUMENTS[1] before $ARGUMENTS[0]", "a b", "b before a"],
  ["$1 before $0", "a 'b c'", "b c before a"],
  ['$0 and "$1"', '"two words" x', 'two words and "x"'],
  ["$0, then $3.", "a", "a, then ."],
])("%s with %s", (text, said, expected) => expect(fill(text, said)).toBe(expected));

test("a named argument stands for its word, and no other name does", () => {
  expect(fill("Move $part to $place; $PATH stays", "wheel shed", "part", "place")).toBe(
    "Move wheel to shed; $PATH stays",
  );
});

test("what is filled in is not looked at again", () => {
  expect(fill("$0 $1", "$1 $0")).toBe("$1 $0");
  expect(fill("$ARGUMENTS", "$& $' $0")).toBe("$& $' $0");
});

test("a sum of money is no argument", () => {
  expect(fill("It costs $1,200 or $100. $ARGUMENTS", "x")).toBe("It costs $1,200 or $100. x");
});

test("without a place for them, arguments are added, and nothing is where nothing was said", () => {
  expect(fill("Mend it.", "gently")).toBe("Mend it.\n\nARGUMENTS: gently");
  expect(fill("Mend it.", " ")).toBe("Mend it.");
});
