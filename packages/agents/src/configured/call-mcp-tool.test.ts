import { createAgent, type TaskContext } from "@muster/sdk";
import { expect, it } from "vitest";
import type { McpAgentTool } from "./call-mcp-tool.ts";
import type { McpAgent } from "./configured-agent.ts";
import { createConfiguredAgent } from "./create-configured-agent.ts";

const agent: McpAgent = {
  kind: "mcp",
  name: "buyer",
  capabilities: ["buy", { name: "order", description: "Orders.", inputSchema: { type: "object" } }],
  mcp: { server: "shop", tool: "buy" },
};
const inputSchema = { type: "object", required: ["what"] };
type Ask = McpAgentTool["ask"];

const definitionOf = (ask: Ask | undefined, more: Partial<McpAgent> = {}) =>
  createConfiguredAgent(
    { ...agent, ...more },
    {
      mcpTool: (server, tool) =>
        ask !== undefined && server === "shop" && tool === "buy"
          ? { description: "Buys a thing.", inputSchema, ask }
          : undefined,
    },
  );
const run = async (
  ask: Ask | undefined,
  more?: Partial<McpAgent>,
  signal = new AbortController().signal,
): Promise<unknown> =>
  definitionOf(ask, more).capabilities[0]?.handler({ input: { what: "a bell" }, signal } as TaskContext);
const text = (said: string) => [{ type: "text", text: said }];

it("is described by its tool where the file says nothing", () => {
  const definition = definitionOf(async () => ({ content: [] }));
  expect(definition).toMatchObject({ description: "Buys a thing.", metadata: { kind: "mcp" } });
  expect(definition.capabilities).toMatchObject([
    { name: "buy", description: "Buys a thing.", inputSchema },
    { name: "order", description: "Orders.", inputSchema: { type: "object" } },
  ]);
  expect(definition.capabilities[1]?.inputSchema).not.toHaveProperty("required");
  expect(() => createAgent(definition)).not.toThrow();
});

it("answers what the tool answers structured, else its texts", async () => {
  const asked: unknown[] = [];
  const structured: Ask = async (input, { timeoutMs }) => {
    asked.push([input, timeoutMs]);
    return { content: text("{}"), structuredContent: { price: 5 } };
  };
  expect(await run(structured, { timeoutMs: 1_234 })).toEqual({ price: 5 });
  expect(asked).toEqual([[{ what: "a bell" }, 1_234]]);
  expect(
    await run(async () => ({ content: [...text("a bell"), { type: "image", data: "xx" }, ...text("5")] })),
  ).toEqual({ text: "a bell\n[image, left out]\n5" });
});

it("fails as the tool fails, and where it answers too much or is gone", async () => {
  await expect(run(async () => ({ content: text("sold out"), isError: true }))).rejects.toMatchObject({
    code: "tool_failed",
    message: "sold out",
  });
  await expect(
    run(async () => ({ content: text("x".repeat(200)) }), { maxOutputBytes: 100 }),
  ).rejects.toMatchObject({ code: "output_too_large", retryable: false });
  await expect(run(undefined)).rejects.toMatchObject({ code: "unreachable", retryable: true });
  const down = Object.assign(new Error("down"), { code: "server_failed", retryable: true });
  await expect(run(() => Promise.reject(down))).rejects.toBe(down);
});

it("ends the call when its task is cancelled", async () => {
  const stop = new AbortController();
  const ask: Ask = (_, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      stop.abort(new Error("cancelled"));
    });
  await expect(run(ask, {}, stop.signal)).rejects.toThrow("cancelled");
});
