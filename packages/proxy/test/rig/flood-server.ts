import { createServer, type Socket } from "node:net";

/** A server that answers its first bytes with `opening`, then with `block` again and again for as long as somebody takes it. */
export interface FloodServer {
  readonly port: number;
  /** Units: bytes. */
  sent(): number;
  open(): number;
  close(): void;
}

export async function startFloodServer(opening: Uint8Array | string, block: Uint8Array | string): Promise<FloodServer> {
  const sockets = new Set<Socket>();
  const bytes = Buffer.from(block);
  let sent = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    const pour = () => {
      // Others get their turn: this server shares its process with the test.
      for (let i = 0; i < 16; i++) {
        if (socket.destroyed || !socket.writable) return;
        sent += bytes.length;
        if (!socket.write(bytes)) {
          socket.once("drain", pour);
          return;
        }
      }
      setImmediate(pour);
    };
    socket.once("data", () => {
      socket.resume();
      socket.write(Buffer.from(opening));
      if (bytes.length > 0) pour();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  return {
    port: typeof at === "object" && at !== null ? at.port : 0,
    sent: () => sent,
    open: () => sockets.size,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
