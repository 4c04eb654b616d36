import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { guardGroup } from "./guard-group.ts";
import type { StdioEntry } from "./read-mcp-file.ts";

/** What a server may say; one that says more is ended. */
const bounds = {
  messageBytes: 8 * 1024 * 1024,
  /** Between two messages of ours. */
  unaskedMessages: 20_000,
  unaskedBytes: 64 * 1024 * 1024,
  /** Of ours, that it does not read. */
  unreadBytes: 16 * 1024 * 1024,
  /** Of its complaints, for errors. */
  stderrChars: 2_000,
  graceMs: 2_000,
} as const;

export interface StdioTransport extends Transport {
  /** Why the server was ended; null where it was not. */
  failure(): string | null;
  /** The end of what the server wrote to its standard error. */
  complaint(): string;
}

/**
 * Speaks with a server over the streams of its process, a JSON message to a line. No shell is involved. The process leads
 * a group of its own, which is ended with it, and each thing that it can send or keep us waiting with has a bound.
 */
export function createStdioTransport(
  entry: StdioEntry,
  cwd: string,
  env: Record<string, string>,
): StdioTransport {
  let child: ChildProcessByStdio<Writable, Readable, Readable> | undefined;
  let stderr = "";
  let unaskedMessages = 0;
  let unaskedBytes = 0;
  let failure: string | null = null;
  const fail = (problem: string): void => {
    failure ??= problem;
    kill("SIGKILL");
  };
  const kill = (signal: NodeJS.Signals): void => {
    if (child?.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // Nobody of it is left.
    }
  };
  const take = (line: string): void => {
    if (failure !== null || line.trim() === "") return;
    unaskedMessages += 1;
    if (unaskedMessages > bounds.unaskedMessages)
      fail("The server floods: it sends messages that nobody asked for.");
    const message = parse(line);
    // What is no message is something that the program printed; it is passed over.
    if (message !== null) transport.onmessage?.(message);
  };
  const transport: StdioTransport = {
    failure: () => failure,
    complaint: () => stderr.trim(),
    start: () =>
      new Promise((resolve, reject) => {
        const { command, args } = entry;
        child = spawn(command, args, { cwd, env, stdio: ["pipe", "pipe", "pipe"], detached: true });
        const letGo = child.pid === undefined ? () => undefined : guardGroup(child.pid);
        child.once("spawn", resolve);
        child.on("error", reject);
        child.on("exit", () => {
          kill("SIGKILL");
          letGo();
        });
        child.on("close", () => transport.onclose?.());
        // It may end before it has read everything.
        child.stdin.on("error", () => undefined);
        child.stderr.on("data", (chunk: Buffer) => {
          stderr = (stderr + chunk.toString("utf8")).slice(-bounds.stderrChars);
        });
        readLines(
          child.stdout,
          take,
          (bytes) => {
            unaskedBytes += bytes;
            if (unaskedBytes > bounds.unaskedBytes)
              fail("The server floods: it sends data that nobody asked for.");
          },
          fail,
        );
      }),
    send: async (message) => {
      unaskedMessages = 0;
      unaskedBytes = 0;
      if (child === undefined || !child.stdin.writable) throw new Error("The server has ended.");
      if (child.stdin.writableLength > bounds.unreadBytes)
        throw new Error("The server does not read what it is sent.");
      child.stdin.write(`${JSON.stringify(message)}\n`);
    },
    close: async () => {
      if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise<void>((resolve) => child?.once("exit", () => resolve()));
      child.stdin.end();
      kill("SIGTERM");
      const killer = setTimeout(() => kill("SIGKILL"), bounds.graceMs);
      await ended;
      clearTimeout(killer);
    },
  };
  return transport;
}

function readLines(
  stream: Readable,
  take: (line: string) => void,
  count: (bytes: number) => void,
  fail: (problem: string) => void,
): void {
  let pieces: Buffer[] = [];
  let length = 0;
  stream.on("data", (chunk: Buffer) => {
    count(chunk.length);
    let rest = chunk;
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      take(Buffer.concat([...pieces, rest.subarray(0, end)]).toString("utf8"));
      pieces = [];
      length = 0;
      rest = rest.subarray(end + 1);
    }
    length += rest.length;
    if (length > bounds.messageBytes) return fail("The server sent a message that is too large.");
    if (rest.length > 0) pieces.push(rest);
  });
}

function parse(line: string): JSONRPCMessage | null {
  try {
    const message = JSON.parse(line) as unknown;
    return typeof message === "object" && message !== null && "jsonrpc" in message
      ? (message as JSONRPCMessage)
      : null;
  } catch {
    return null;
  }
}
