import { join } from "node:path";
import { createClient } from "@muster/sdk";
import { afterEach, expect, test } from "vitest";
import { cleanUp, startProcess, temporaryFolder } from "./support/processes.ts";
import { binary, startFreshServer, startServer } from "./support/server-process.ts";

afterEach(cleanUp);

const timeout = 90_000;

test("what was remembered outlives a killed server, and is found by its meaning, offline", {
  timeout,
}, async () => {
  const dataDir = join(temporaryFolder(), "data");
  const { server, client, apiKey } = await startFreshServer(dataDir);
  const muster = async (...words: string[]) => {
    const process_ = startProcess(process.execPath, [binary, "memory", ...words, "--data-dir", dataDir]);
    const { exitCode, out, err } = await process_.ended;
    expect([exitCode, err]).toEqual([0, ""]);
    return out;
  };
  expect(await muster("add", "The cat sleeps on the sofa.", "--project", "home")).toMatch(/^remembered: /);
  await client.memory.remember({ text: "The tax return is due in May.", project: "home" });
  await server.end("SIGKILL");
  const next = await startServer({ dataDir });
  const again = createClient({ url: next.url, apiKey });
  // No word is common to both.
  const found = await again.memory.recall({ query: "a kitten naps upon a couch", project: "home" });
  expect(found).toMatchObject({ vector: "exact", note: null });
  expect(found.items[0]).toMatchObject({
    memory: { text: "The cat sleeps on the sofa.", project: "home", model: found.model },
    lexicalRank: null,
    vectorRank: 1,
  });
  expect(await muster("search", "kitten", "--project", "home", "--limit", "1")).toMatch(
    /^The cat sleeps on the sofa\.\n {4}[0-9a-f-]{36}, project home, similarity 0\.\d\d\n$/,
  );
  const lines = (await muster("export")).trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).text).sort()).toEqual([
    "The cat sleeps on the sofa.",
    "The tax return is due in May.",
  ]);
});
