import { connect, createServer, type Socket } from "node:net";

export interface CuttableProxy {
  /** The target's address, but by way of the proxy. */
  url: string;
  /** Breaks every connection that goes through it; new ones are let through again. */
  cut(): number;
  /** Loses everything like a dead network: connections stay open and silent, new ones get no answer. */
  stall(): void;
  /** Ends `stall`: what was sent meanwhile arrives, and who hung up is missed only now. */
  restore(): void;
  close(): Promise<void>;
}

/** The address of another, reached at `port` of this machine. */
function throughPort(targetUrl: string, port: number): string {
  const url = new URL(targetUrl);
  url.hostname = "127.0.0.1";
  url.port = String(port);
  return url.href.replace(/\/$/, "");
}

/** A TCP proxy in front of a server, for tests of what happens when a line is cut. */
export async function startCuttableProxy(targetUrl: string): Promise<CuttableProxy> {
  const { hostname, port } = new URL(targetUrl);
  const sockets = new Set<Socket>();
  const held: (() => void)[] = [];
  let stalled = false;
  const whenThrough = (work: () => void) => (stalled ? held.push(work) : work());

  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A cut line is what this is for.
    socket.on("error", () => undefined);
    if (stalled) socket.pause();
  };
  const carry = (from: Socket, to: Socket) => {
    from.on("data", (chunk) => {
      if (!to.write(chunk)) from.pause();
    });
    to.on("drain", () => {
      if (!stalled) from.resume();
    });
    from.on("end", () => whenThrough(() => to.end()));
    from.on("close", () => whenThrough(() => to.destroySoon()));
  };
  const server = createServer((near) => {
    keep(near);
    near.pause();
    whenThrough(() => {
      const far = connect(Number(port), hostname);
      keep(far);
      carry(near, far);
      carry(far, near);
      near.resume();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The proxy has no port.");

  const cut = () => {
    const count = sockets.size;
    for (const socket of sockets) socket.resetAndDestroy();
    return count;
  };
  const restore = () => {
    stalled = false;
    for (const work of held.splice(0)) work();
    for (const socket of sockets) socket.resume();
  };
  return {
    url: throughPort(targetUrl, address.port),
    cut,
    stall() {
      stalled = true;
      for (const socket of sockets) socket.pause();
    },
    restore,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        restore();
        cut();
      }),
  };
}
