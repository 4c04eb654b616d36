import { onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { until } from "./serve-fake.ts";

export interface TestSocket {
  readonly socket: WebSocket;
  /** Every frame that came, parsed. */
  readonly frames: unknown[];
  /** The next frame that was not taken yet. */
  next(): Promise<unknown>;
  send(frame: unknown): void;
  /** How the connection ended. */
  readonly closed: Promise<{ code: number; reason: string }>;
}

/** A WebSocket to a server under test; gone when the test is over. */
export async function openSocket(url: string, headers: Record<string, string>): Promise<TestSocket> {
  const socket = new WebSocket(url.replace("http", "ws"), { headers });
  onTestFinished(() => socket.terminate());
  const frames: unknown[] = [];
  let taken = 0;
  socket.on("message", (data: Buffer) => void frames.push(JSON.parse(data.toString())));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  return {
    socket,
    frames,
    closed,
    send: (frame) => socket.send(typeof frame === "string" ? frame : JSON.stringify(frame)),
    async next() {
      await until(() => frames.length > taken);
      return frames[taken++];
    },
  };
}

/** The HTTP answer to an upgrade that is refused. */
export function refusedUpgrade(
  url: string,
  headers: Record<string, string>,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace("http", "ws"), { headers });
    socket.once("open", () => reject(new Error("the upgrade was not refused")));
    socket.once("error", () => {});
    socket.once("unexpected-response", (_request, response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      );
    });
  });
}
