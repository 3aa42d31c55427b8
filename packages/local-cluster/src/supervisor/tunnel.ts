import { rmSync } from "node:fs";
import { createServer, connect as netConnect, type Server, type Socket } from "node:net";

/**
 * Connections from the host into the node's network: the host end writes one line `<ip>:<port>`, the node end connects there, then bytes flow.
 * When the target can't be reached the connection just closes.
 */
export interface TunnelServer {
  close(): Promise<void>;
}

const MAX_HEAD = 64;
const TARGET = /^(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})$/;

/** Node side. Errors: rejects when the socket can't be made. */
export async function serveTunnel(path: string): Promise<TunnelServer> {
  rmSync(path, { force: true });
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: false }, (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => socket.destroy());
    readTarget(socket, (host, port) => {
      const target = netConnect({ host, port, allowHalfOpen: true });
      join(socket, target);
    });
  });
  await listening(server, () => server.listen(path));
  return {
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function readTarget(socket: Socket, onTarget: (host: string, port: number) => void): void {
  let head = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(10);
    if (end < 0) {
      if (head.length > MAX_HEAD) socket.destroy();
      return;
    }
    socket.off("data", onData);
    socket.pause();
    const [, host, port] = TARGET.exec(head.subarray(0, end).toString("latin1")) ?? [];
    if (host === undefined) {
      socket.destroy();
      return;
    }
    if (end + 1 < head.length) socket.unshift(head.subarray(end + 1));
    onTarget(host, Number(port));
  };
  socket.on("data", onData);
}

/** A listener on the host's loopback. */
export interface HostListener {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Host side: accepts on 127.0.0.1:`port` (0 chooses) and leads every connection to `target` inside.
 * Errors: rejects with the system's error (EADDRINUSE …).
 */
export async function openHostListener(tunnelPath: string, port: number, target: string): Promise<HostListener> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    const inside = netConnect({ path: tunnelPath, allowHalfOpen: true });
    inside.write(`${target}\n`);
    join(socket, inside);
  });
  await listening(server, () => server.listen(port, "127.0.0.1"));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listening(server: Server, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      server.on("error", () => undefined);
      resolve();
    });
    start();
  });
}

/** Bytes both ways; an end of one direction is passed on; a failure of one side ends both. */
function join(a: Socket, b: Socket): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.setNoDelay(true);
    from.pipe(to);
    from.on("error", () => {
      from.destroy();
      to.destroy();
    });
    from.on("close", () => to.destroySoon());
  }
}
