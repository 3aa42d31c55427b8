import { createServer, type Server, type Socket } from "node:net";
import type { KubeClient } from "@heddle/kube-client";

/** A port of this machine that leads to a port of a pod. */
export interface Forward {
  readonly port: number;
  close(): void;
}

/** Listens on 127.0.0.1 (`wanted`, or any free port where that is taken) and carries each connection to the pod through the API server. */
export async function forwardToPod(
  kube: KubeClient,
  namespace: string,
  pod: string,
  podPort: number,
  wanted: number,
): Promise<Forward> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    void carry(kube, namespace, pod, podPort, socket);
  });
  const port = (await listen(server, wanted)) ?? (await listen(server, 0));
  if (port === undefined) throw new Error("no free port on 127.0.0.1");
  return {
    port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function carry(kube: KubeClient, namespace: string, pod: string, podPort: number, socket: Socket): Promise<void> {
  try {
    const stream = await kube.portForward(namespace, pod, podPort);
    stream.on("error", () => socket.destroy());
    stream.on("close", () => socket.destroy());
    socket.on("close", () => stream.destroy());
    socket.pipe(stream);
    stream.pipe(socket);
  } catch {
    socket.destroy();
  }
}

function listen(server: Server, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : undefined);
    });
  });
}
