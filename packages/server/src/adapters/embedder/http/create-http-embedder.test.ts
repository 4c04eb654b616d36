import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createHttpEmbedder } from "./create-http-embedder.ts";

interface Asked {
  path: string | undefined;
  authorization: string | undefined;
  body: { model: string; input: string[] };
}

/** A server of embeddings that answers what a test wants. */
async function serve(answer: (asked: Asked) => { status?: number; body: unknown }) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { authorization } = request.headers;
    const one = { path: request.url, authorization, body: JSON.parse(Buffer.concat(chunks).toString()) };
    asked.push(one);
    const { status = 200, body } = answer(one);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`;
  return { asked, embedder: createHttpEmbedder({ url, model: "some-model", apiKey: "secret" }) };
}

test("asks as OpenAI has it, and answers vectors of length 1 in the order of the texts", async () => {
  const { asked, embedder } = await serve(() => ({
    body: {
      data: [
        { index: 1, embedding: [0, 2] },
        { index: 0, embedding: [3, 4] },
      ],
    },
  }));
  expect(await embedder.embed(["first", "second"])).toEqual([
    [0.6, 0.8],
    [0, 1],
  ]);
  expect(asked).toMatchObject([
    {
      path: "/v1/embeddings",
      authorization: "Bearer secret",
      body: { model: "some-model", input: ["first", "second"] },
    },
  ]);
});

test.each<[string, { status?: number; body: unknown }, string]>([
  ["a server that is out of order", { status: 503, body: "later" }, "unavailable"],
  ["a key that is refused", { status: 401, body: "no" }, "unavailable"],
  ["a text that is refused", { status: 400, body: "too long" }, "invalid_request"],
  ["no JSON", { body: "<html>" }, "unavailable"],
  ["no vectors", { body: { data: [] } }, "unavailable"],
  ["too few of them", { body: { data: [{ embedding: [1] }] } }, "unavailable"],
  ["vectors of two kinds", { body: { data: [{ embedding: [1] }, { embedding: [1, 2] }] } }, "unavailable"],
  ["what is no number", { body: { data: [{ embedding: ["1"] }, { embedding: [1] }] } }, "unavailable"],
  ["no direction", { body: { data: [{ embedding: [0] }, { embedding: [1] }] } }, "unavailable"],
])("%s is an error that says so", async (_, answer, code) => {
  const { embedder } = await serve(() => answer);
  await expect(embedder.embed(["one", "two"])).rejects.toMatchObject({ code, name: "MusterError" });
});

test("a server that is not there is unavailable", async () => {
  const embedder = createHttpEmbedder({ url: "http://127.0.0.1:9/v1", model: "m" });
  await expect(embedder.embed(["one"])).rejects.toMatchObject({ code: "unavailable", retryable: true });
});
