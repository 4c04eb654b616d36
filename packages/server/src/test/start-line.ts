import { connect, createServer, type Server, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";

/** A line to a server that a test can cut, block and stop. */
export interface Line {
  /** The server's URL, by way of this line. */
  url: string;
  /** Breaks every connection that goes through; new ones are let through. */
  cut(): void;
  /** As when the server stops: connections break and new ones are refused, until `resume`. */
  refuse(): Promise<void>;
  /** As when a cable is pulled: nothing gets through and nobody is told, until `resume`. */
  block(): void;
  /** As when something on the way forgets its connections: nothing gets through these any more, new ones are let through. */
  forget(): void;
  resume(): Promise<void>;
  close(): Promise<void>;
}

/** The eight bytes with which a PostgreSQL client asks for TLS. */
const tlsRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/**
 * A TCP line in front of `target`. With a certificate it offers clients of PostgreSQL TLS, which it ends itself.
 */
export async function startLine(target: string, certificate?: { key: string; cert: string }): Promise<Line> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let blocked = false;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A broken line is what this is for.
    socket.on("error", () => undefined);
    if (blocked) socket.pause();
    return socket;
  };
  const join = (near: Socket) => {
    const far = keep(connect(Number(port), hostname));
    near.pipe(far).pipe(near);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    if (blocked) pauseBoth(near, far);
  };
  const pauseBoth = (...pair: Socket[]) => {
    for (const socket of pair) {
      socket.unpipe();
      socket.pause();
    }
  };
  const accept = (socket: Socket) => {
    keep(socket);
    if (certificate === undefined) return join(socket);
    socket.once("data", (bytes) => {
      if (!bytes.equals(tlsRequest)) return socket.destroy();
      socket.write("S");
      join(keep(new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(certificate) })));
    });
  };
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  let server: Server | undefined = createServer(accept);
  await listen(server, 0);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The line has no port.");
  const url = new URL(target);
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  const refuse = async () => {
    const closed = new Promise((resolve) => server?.close(resolve));
    server = undefined;
    cut();
    await closed;
  };
  return {
    url: url.href,
    cut,
    refuse,
    block() {
      blocked = true;
      pauseBoth(...sockets);
    },
    forget: () => pauseBoth(...sockets),
    async resume() {
      // What stood still is of no use any more, as after a long cut.
      if (blocked) cut();
      blocked = false;
      if (server) return;
      server = createServer(accept);
      await listen(server, address.port);
    },
    close: refuse,
  };
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
