import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test } from "vitest";
import { createModelRouter } from "./model-router.ts";
import type { ModelSettings } from "./model-settings.ts";

const lists: Record<string, [number, unknown]> = {
  "/good/models": [200, { data: [{ id: "a" }, { id: "b" }] }],
  "/wrong-key/models": [401, { error: {} }],
  "/google/models": [200, { models: [{ name: "models/gemini-x" }] }],
  "/broken/models": [502, "<html>"],
};
const headers: unknown[] = [];
const server = createServer((request, response) => {
  headers.push(request.headers.authorization ?? request.headers["x-goog-api-key"]);
  const [status, body] = lists[request.url ?? ""] ?? [404, {}];
  response.writeHead(status).end(JSON.stringify(body));
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
afterAll(() => new Promise((resolve) => server.close(resolve)));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function diagnose(settings: ModelSettings, reach: boolean) {
  const environment = { OPENAI_API_KEY: "k", GEMINI_API_KEY: "g" };
  const router = await createModelRouter({ settings, environment });
  const diagnosis = await router.diagnose({ reach });
  await router.close();
  return diagnosis;
}

test("without any configuration it says which key is missing, and where aliases lead", async () => {
  const { defaultProviders } = await import("./model-settings.ts");
  const { providers, aliases } = await diagnose({ providers: defaultProviders }, false);
  expect(providers.map(({ name, state }) => [name, state])).toEqual([
    ["anthropic", "no_key"],
    ["openai", "ready"],
    ["google", "ready"],
  ]);
  expect(providers[0]?.hint).toContain("ANTHROPIC_API_KEY");
  const sonnet = aliases.find(({ name }) => name === "sonnet");
  expect(sonnet).toEqual({
    name: "sonnet",
    leadsTo: ["openai/gpt-6-sol", "google/gemini-3.1-pro-preview"],
    unpriced: [],
  });
  // What the built-in aliases name has a price, so that budgets count it.
  expect(aliases.flatMap(({ unpriced }) => unpriced)).toEqual([]);
});

test("providers that are asked say whether they take the key, and what they have", async () => {
  const compatible = (name: string, models: string[]) => ({
    name,
    kind: "compatible" as const,
    baseURL: name === "away" ? "http://127.0.0.1:9/v1" : `${url}/${name}`,
    models: models.map((id) => ({ id })),
  });
  const { providers, aliases } = await diagnose(
    {
      providers: [
        compatible("good", ["a"]),
        { ...compatible("good", []), name: "empty" },
        { ...compatible("good", ["c"]), name: "other" },
        { name: "keyed", kind: "openai", baseURL: `${url}/wrong-key` },
        { name: "google", kind: "google", baseURL: `${url}/google` },
        compatible("broken", ["a"]),
        compatible("away", ["a"]),
      ],
    },
    true,
  );
  expect(providers.map(({ name, state, hint }) => [name, state, hint])).toEqual([
    ["good", "ready", null],
    ["empty", "ready", expect.stringContaining("a, b")],
    ["other", "ready", "other does not list c."],
    ["keyed", "refused", expect.stringContaining("does not take the key")],
    ["google", "ready", null],
    ["broken", "unreachable", expect.stringContaining("502")],
    ["away", "unreachable", expect.stringContaining("Nobody answers")],
  ]);
  expect(headers).toContain("Bearer k");
  expect(headers).toContain("g");
  expect(aliases.find(({ name }) => name === "smart")?.unpriced).toContain("good/a");
});
