import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, describe, expect, it } from "vitest";
import { createWorkbench } from "../test/task-context.ts";
import { retryAfterOf } from "./call-endpoint.ts";
import type { HttpAgent } from "./configured-agent.ts";
import { createConfiguredAgent } from "./create-configured-agent.ts";

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const answering = (status: number, body: string, headers: Record<string, string> = {}) =>
  serve((_, response) => response.writeHead(status, headers).end(body));

function ask(agent: Partial<HttpAgent>, input: unknown = {}) {
  const definition = createConfiguredAgent(
    { kind: "http", name: "old", capabilities: ["work"], url: "", ...agent } as HttpAgent,
    { env: { TOKEN: "t0ken" } },
  );
  for (const capability of definition.capabilities)
    Object.assign(capability, { inputSchema: {}, outputSchema: {} });
  return createWorkbench([definition]).run<unknown>("work", input);
}

describe("an HTTP endpoint as an agent", () => {
  it("gets the input as the body of a POST, and its answer is the output", async () => {
    const url = await serve((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { method, headers } = request;
        const got = JSON.parse(Buffer.concat(chunks).toString()) as unknown;
        response.end(
          JSON.stringify({ method, got, key: headers.authorization, task: headers["muster-task-id"] }),
        );
      });
    });
    const headers = { authorization: "Bearer ${TOKEN}" };
    expect(await ask({ url, headers }, { a: "ü" })).toEqual({
      method: "POST",
      got: { a: "ü" },
      key: "Bearer t0ken",
      task: "00000000-0000-7000-8000-000000000001",
    });
    expect(await ask({ url: await answering(204, "") })).toBeNull();
    await expect(ask({ url, headers: { x: "${NONE}" } })).rejects.toMatchObject({ code: "misconfigured" });
  });

  it("honours what a refusal says of trying again", async () => {
    await expect(ask({ url: await answering(429, "slow", { "retry-after": "7" }) })).rejects.toMatchObject({
      code: "rate_limited",
      retryable: true,
      retryAfterMs: 7_000,
    });
    await expect(ask({ url: await answering(503, "") })).rejects.toMatchObject({
      code: "http_503",
      retryable: true,
    });
    await expect(ask({ url: await answering(422, "no") })).rejects.toMatchObject({
      retryable: false,
      message: "The endpoint answered 422: no",
    });
    const now = Date.parse("2026-01-01T00:00:00Z");
    expect(retryAfterOf("Thu, 01 Jan 2026 00:01:00 GMT", now)).toBe(60_000);
    expect(retryAfterOf("Wed, 31 Dec 2025 00:01:00 GMT", now)).toBe(0);
    expect(retryAfterOf("soon", now)).toBeUndefined();
  });

  it("is bound in time and size", async () => {
    const silent = await serve(() => {});
    await expect(ask({ url: silent, timeoutMs: 150 })).rejects.toMatchObject({ code: "timeout" });
    const large = await answering(200, JSON.stringify("x".repeat(10_000)));
    await expect(ask({ url: large, maxOutputBytes: 1_000 })).rejects.toMatchObject({
      code: "output_too_large",
    });
    await expect(ask({ url: await answering(200, "{") })).rejects.toMatchObject({ code: "invalid_output" });
    await expect(ask({ url: "http://127.0.0.1:9" })).rejects.toMatchObject({
      code: "unreachable",
      retryable: true,
    });
  });

  it("follows redirects only where allowed, and never to another origin", async () => {
    const url = await serve((request, response) => {
      if (request.url === "/new") response.end("1");
      else response.writeHead(308, { location: "/new" }).end();
    });
    await expect(ask({ url })).rejects.toMatchObject({ code: "redirected", retryable: false });
    expect(await ask({ url, redirects: 1 })).toBe(1);
    const away = await answering(308, "", { location: "http://127.0.0.2:9/" });
    await expect(ask({ url: away, redirects: 5 })).rejects.toMatchObject({ code: "redirected" });
  });

  it("does not reach private addresses by a name, unless allowed", async () => {
    const url = await answering(200, "1");
    // A name with a dot behind it is not the word `localhost`, and leads to the same address.
    const named = url.replace("127.0.0.1", "localhost.");
    await expect(ask({ url: named })).rejects.toMatchObject({
      code: expect.stringMatching(/private_address|unreachable/),
    });
  });
});
