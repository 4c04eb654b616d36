import fc from "fast-check";
import { expect, it } from "vitest";
import { createScrubber } from "./create-scrubber.ts";

it("finds known values as they are, and as URLs, JSON and Base64 have them", () => {
  const secret = 'p@ss "word"/\n1234';
  const scrub = createScrubber({ values: [secret] });
  const seen = [
    secret,
    encodeURIComponent(secret),
    JSON.stringify({ secret }),
    Buffer.from(secret).toString("base64"),
  ].join(" | ");
  const clean = scrub(`before ${seen} after`);
  expect(clean).toMatch(/^before .* after$/s);
  for (const part of ["word", "1234", "p%40ss", "cEBzc"]) expect(clean).not.toContain(part);
});

it("takes variables that sound like secrets for secrets, and others not", () => {
  const scrub = createScrubber({
    env: { OPENAI_API_KEY: "abcdefgh1234", HOME: "/home/somebody", DB_PASSWORD: "short" },
  });
  expect(scrub("abcdefgh1234 in /home/somebody is short")).toBe(
    "[secret removed] in /home/somebody is short",
  );
});

it.each([
  ["sk-ant-", "api03-abcdefghijklmnopqrstuvwxyz"],
  ["AKIA", "ABCDEFGHIJKLMNOP"],
  ["ghp_", "abcdefghijklmnopqrstuvwxyz0123456789"],
  ["xoxb-", "1234567890-abcdef"],
  ["AIza", "abcdefghijklmnopqrstuvwxyz0123456789"],
  ["eyJhbGciOiJIUzI1NiJ9.", "eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghijkl"],
  ["-----BEGIN RSA PRIVATE", " KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----"],
  ["Authorization: Bearer ", "abcdefgh12345678"],
  ["postgres://user:", "hunter2hunter2@host/db"],
])("knows the shape of %s…", (beginning, rest) => {
  const clean = createScrubber()(`x ${beginning}${rest} y`);
  expect(clean).toContain("[secret removed]");
  expect(clean).not.toContain(rest.split("@")[0]);
});

it("leaves no known value in any text", () => {
  const value = fc.string({ minLength: 8, maxLength: 40 }).filter((text) => text.trim().length >= 8);
  fc.assert(
    fc.property(
      fc.uniqueArray(value, { minLength: 1, maxLength: 5 }),
      fc.array(fc.string()),
      (values, texts) => {
        // What replaces a secret may itself contain a value made to match it; no real one does.
        fc.pre(values.every((one) => !"[secret removed]".includes(one)));
        const text = texts.map((one, index) => one + values[index % values.length]).join("");
        const clean = createScrubber({ values })(text);
        for (const one of values) expect(clean.split("[secret removed]").join("\0")).not.toContain(one);
      },
    ),
  );
});

it("is quick with texts that are made to be slow", () => {
  const scrub = createScrubber({ values: ["abcdefgh"] });
  for (const piece of ["-----BEGIN ", "eyJ", "sk-", "authorization: ", "a://b", "://:"])
    scrub(piece.repeat(20_000));
});
