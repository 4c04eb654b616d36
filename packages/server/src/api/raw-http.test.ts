import net from "node:net";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { asClient, serveFake, startFake } from "../test/serve-fake.ts";

/** Sends text as it is and reads until the server ends the connection. */
function talk(url: string, ...text: string[]): Promise<{ status: number; problem: Record<string, unknown> }> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), hostname, () => socket.write(text.join("\r\n")));
    let answer = "";
    socket.on("data", (chunk: Buffer) => {
      answer += chunk.toString();
    });
    socket.on("error", reject);
    socket.on("close", () => {
      const [head = "", body = ""] = answer.split("\r\n\r\n");
      resolve({ status: Number(head.split(" ")[1]), problem: body === "" ? {} : JSON.parse(body) });
    });
  });
}

const request = (method: string, path: string, ...headers: string[]): string[] => [
  `${method} ${path} HTTP/1.1`,
  "host: muster",
  `authorization: ${asClient.authorization}`,
  "connection: close",
  ...headers,
];

describe("what is no proper HTTP", () => {
  test.each([
    ["garbage", ["\u0001\u0002garbage", "", ""], 400],
    ["a header that never ends", [...request("GET", "/livez", `x: ${"x".repeat(100_000)}`), "", ""], 431],
    [
      "two lengths",
      [...request("POST", "/v1/tasks", "content-length: 2", "content-length: 3"), "", "{}"],
      400,
    ],
  ])("%s is answered with a problem", async (_what, text, status) => {
    const { url } = await serveFake();
    expect(await talk(url, ...text)).toMatchObject({ status, problem: { status, code: "invalid_request" } });
  });

  test("two content types are refused", async () => {
    const { url } = await serveFake();
    const headers = ["content-type: application/json", "content-type: application/json", "content-length: 2"];
    const answer = await talk(url, ...request("POST", "/v1/tasks", ...headers), "", "{}");
    expect(answer).toMatchObject({ status: 415, problem: { code: "unsupported_media_type" } });
  });

  test("a body that is too large is refused by its length, before it was sent", async () => {
    const { url } = await serveFake();
    const headers = ["content-type: application/json", "content-length: 9999999"];
    const answer = await talk(url, ...request("POST", "/v1/tasks", ...headers), "", "{");
    expect(answer).toMatchObject({ status: 413, problem: { code: "payload_too_large" } });
  });

  test("an offer of HTTP/2 is ignored, or refused where there is a body", async () => {
    const { url } = await serveFake();
    const offer = ["upgrade: h2c", "http2-settings: AAMAAABkAAQAoAAAAAIAAAAA"];
    const upgrading = (method: string, path: string) =>
      request(method, path, ...offer).map((line) =>
        line.replace(/^connection: .*/, "connection: Upgrade, HTTP2-Settings"),
      );
    expect(await talk(url, ...upgrading("GET", "/v1/tasks"), "", "")).toMatchObject({
      status: 200,
      problem: { items: [] },
    });
    const refused = await talk(url, ...upgrading("POST", "/v1/tasks"), "content-length: 2", "", "{}");
    expect(refused).toMatchObject({ status: 400, problem: { hint: expect.stringContaining("HTTP/1.1") } });
  });
});

test("what nobody expected is in the log, with the id that the answer names", async () => {
  const lines: { level: number; requestId?: string; err?: { message: string } }[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const { api, fake } = await startFake({ log });
  fake.failNext(new Error("the reason"));
  const id = "0190163d-8694-739b-aea5-966c26f8ad91";
  const response = await api.inject({ url: `/v1/tasks/${id}`, headers: asClient });
  expect(response.statusCode).toBe(500);
  const requestId = response.headers["x-request-id"];
  expect(lines).toMatchObject([{ level: 50, requestId, err: { message: "the reason" } }]);
  expect(response.json().detail).toContain(requestId);
  await api.inject({ url: `/v1/tasks/${id}`, headers: asClient });
  expect(lines).toHaveLength(1);
});
