import { describe, expect, it } from "vitest";
import { type RemoteScript, startRemoteAgent } from "../../test/remote-agent.ts";
import { definitionOf, done, run } from "../../test/run-remote.ts";
import type { A2aAgent } from "../configured-agent.ts";

describe("a hostile remote agent", () => {
  const failing = async (script: Partial<RemoteScript>, more: Partial<A2aAgent> = {}) => {
    const remote = await startRemoteAgent({ steps: () => done({ text: "ok" }), ...script });
    const error = await run(definitionOf(remote.url, more)).catch((failed: unknown) => failed);
    return { error, remote };
  };
  const cardIs =
    (status: number, body: string, headers: Record<string, string> = {}): RemoteScript["instead"] =>
    ({ url }, response) => {
      if (!url.includes("agent")) return false;
      response.writeHead(status, headers).end(body);
      return true;
    };

  it.each([
    ["a giant card", { instead: cardIs(200, " ".repeat(600_000)) }, "output_too_large"],
    ["a card that is none", { instead: cardIs(200, '{"name": 5}') }, "invalid_card"],
    ["no JSON", { instead: cardIs(200, "<html>") }, "invalid_card"],
    ["no card", { instead: cardIs(404, "") }, "no_card"],
    ["a card behind a key", { instead: cardIs(401, "") }, "unauthenticated"],
    ["a redirect", { instead: cardIs(302, "", { location: "http://169.254.169.254/" }) }, "redirected"],
    [
      "a card that leads elsewhere",
      {
        card: {
          supportedInterfaces: [
            { url: "http://169.254.169.254/", protocolBinding: "JSONRPC", protocolVersion: "1.0" },
          ],
        },
      },
      "foreign_origin",
    ],
    [
      "a card without a binding that is spoken",
      { card: { supportedInterfaces: [{ url: "http://127.0.0.1/", protocolBinding: "GRPC" }] } },
      "no_interface",
    ],
    ["a card without the skill", { skills: [] }, "no_skill"],
  ] as [string, Partial<RemoteScript>, string][])("%s", async (_, script, code) => {
    const { error, remote } = await failing(script);
    expect(error).toMatchObject({ code });
    expect(remote.messages).toEqual([]);
  });

  const rpcIs =
    (answer: (id: unknown) => string, type = "application/json"): RemoteScript["instead"] =>
    ({ url, body }, response) => {
      if (url !== "/rpc" || body === undefined || /cancel/i.test(String(body.method))) return false;
      response.writeHead(200, { "content-type": type }).end(answer(body.id));
      return true;
    };
  const result = (value: unknown) => (id: unknown) => JSON.stringify({ jsonrpc: "2.0", id, result: value });

  it.each([
    ["an answer that is no JSON", rpcIs(() => "<html>"), "invalid_answer"],
    ["an answer to another question", rpcIs(() => result({})(99)), "invalid_answer"],
    ["an answer with nothing in it", rpcIs(result({})), "invalid_answer"],
    [
      "a task without an id",
      rpcIs(result({ task: { status: { state: "TASK_STATE_WORKING" } } })),
      "invalid_answer",
    ],
    ["an answer without end", rpcIs(() => "x".repeat(40_000)), "output_too_large"],
    [
      "an error of the protocol",
      rpcIs((id) => JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32602, message: "bad" } })),
      "remote_error",
    ],
  ])("%s", async (_, instead, code) => {
    expect((await failing({ instead }, { maxOutputBytes: 20_000 })).error).toMatchObject({ code });
  });

  it("a stream without end is cut off by its bytes", async () => {
    const endless: RemoteScript["instead"] = ({ body }, response) => {
      if (body?.method !== "SendStreamingMessage") return false;
      response.writeHead(200, { "content-type": "text/event-stream" });
      const status = { state: "TASK_STATE_WORKING" };
      const event = { task: { id: "t", contextId: "c", status } };
      const more = (): void => {
        if (response.destroyed) return;
        response.write(`data: ${result(event)(body.id)}\n\n`, () => setImmediate(more));
      };
      more();
      return true;
    };
    const { error } = await failing({ streaming: true, instead: endless }, { maxOutputBytes: 2_000 });
    expect(error).toMatchObject({ code: "output_too_large" });
  });

  it("one at a private address is not reached by a name, unless that is allowed", async () => {
    const remote = await startRemoteAgent({ steps: () => done({ text: "ok" }) });
    const named = remote.url.replace("127.0.0.1", "localhost.");
    await expect(run(definitionOf(named))).rejects.toMatchObject({
      code: expect.stringMatching(/private_address|unreachable/),
    });
    expect(remote.requests).toEqual([]);
  });
});
