import { connect, createServer, type Socket } from "node:net";

export interface LoadBalancer {
  url: string;
  close(): Promise<void>;
}

/** How often each node is asked whether it takes requests, and how long it may think about it. */
const checkEveryMs = 300;
const answerMs = 1_500;

/** Whether a node takes requests now. */
const takesRequests = (url: string): Promise<boolean> =>
  fetch(`${url}/readyz`, { signal: AbortSignal.timeout(answerMs) }).then(
    (response) => response.status < 500,
    () => false,
  );

/**
 * A load balancer as a team would put it in front of its nodes: each new connection goes to the next node that says it
 * is ready, and to another one where that refuses it. It knows nothing of HTTP and keeps nobody with one node.
 */
export async function startLoadBalancer(nodes: readonly string[]): Promise<LoadBalancer> {
  const ready = new Set<string>();
  const sockets = new Set<Socket>();
  let turn = 0;
  const check = async (url: string) => {
    if (await takesRequests(url)) ready.add(url);
    else ready.delete(url);
  };
  const checking = setInterval(() => void Promise.all(nodes.map(check)), checkEveryMs);
  await Promise.all(nodes.map(check));

  /** Those to try, the next in turn first. A node that is not ready comes last: better than nobody. */
  const candidates = (): string[] => {
    turn++;
    const inTurn = nodes.map((_, index) => nodes[(index + turn) % nodes.length]!);
    return [...inTurn.filter((url) => ready.has(url)), ...inTurn.filter((url) => !ready.has(url))];
  };
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
  };
  const attach = (near: Socket, [url, ...others]: string[]): void => {
    if (url === undefined || near.destroyed) {
      near.destroy();
      return;
    }
    const { hostname, port } = new URL(url);
    const far = connect(Number(port), hostname);
    keep(far);
    let joined = false;
    far.once("connect", () => {
      joined = true;
      near.pipe(far).pipe(near);
      near.on("close", () => far.destroy());
    });
    far.on("close", () => (joined ? near.destroySoon() : attach(near, others)));
  };
  const server = createServer((near) => {
    keep(near);
    attach(near, candidates());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      clearInterval(checking);
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
