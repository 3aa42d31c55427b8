import { createServer, type Server, type Socket } from "node:net";
import type { KubeClient } from "@heddle/kube-client";
import { UsageError } from "./context.ts";

/** A port of this machine that leads to a port of a pod. */
export interface PodForward {
  readonly port: number;
  close(): Promise<void>;
}

/** Opens `address:port` (0: any free one) and carries each connection to the pod. Errors: UsageError when the port is taken. */
export async function forwardPod(
  kube: Pick<KubeClient, "portForward">,
  target: { readonly namespace: string; readonly pod: string; readonly port: number },
  listen: { readonly address: string; readonly port: number },
): Promise<PodForward> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.pause();
    kube.portForward(target.namespace, target.pod, target.port).then(
      (stream) => {
        const end = () => {
          socket.destroy();
          stream.destroy();
        };
        // Whoever dialled may have gone meanwhile.
        if (socket.destroyed) return end();
        for (const side of [socket, stream]) side.on("error", end).on("close", end);
        socket.pipe(stream);
        stream.pipe(socket);
      },
      () => socket.destroy(),
    );
    socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: Error) =>
      reject(
        new UsageError(`${listen.address}:${listen.port}: ${error.message}; choose another port with -p, 0 takes any`),
      ),
    );
    server.listen(listen.port, listen.address, resolve);
  });
  return { port: portOf(server), close: () => closed(server, open) };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

/** Connections that are open end, too: a browser would keep its own for minutes. */
function closed(server: Server, open: ReadonlySet<Socket>): Promise<void> {
  return new Promise((done) => {
    server.close(() => done());
    for (const socket of open) socket.destroy();
  });
}
