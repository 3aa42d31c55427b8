import { connect, createServer, type Server } from "node:net";
import type { PodContext } from "./node-context.ts";

/** Leads `hostPort`s of the node to a pod. */
export interface HostPorts {
  close(): void;
}

/** Opens a pod's host ports on the node's address. A port that is taken, or no TCP, becomes an Event that says what to do. */
export function openHostPorts(context: PodContext): HostPorts {
  const servers: Server[] = [];
  const containers = context.spec.hostNetwork ? [] : [...context.spec.containers, ...context.spec.initContainers];
  for (const { hostPort, hostIp, containerPort, protocol } of containers.flatMap((container) => container.ports)) {
    if (hostPort === undefined) continue;
    if (protocol !== "TCP") {
      const message = `hostPort ${hostPort}/${protocol} is not open: the embedded cluster leads only TCP host ports to pods; use a Service, which takes UDP too`;
      context.event("Warning", "HostPortNotOpen", message);
      continue;
    }
    const server = createServer({ allowHalfOpen: true }, (client) => {
      const pod = connect({ host: context.podIp(), port: containerPort, allowHalfOpen: true });
      client.pipe(pod);
      pod.pipe(client);
      const end = (): void => {
        client.destroy();
        pod.destroy();
      };
      client.on("error", end);
      pod.on("error", end);
    });
    server.on("error", (error) => {
      const taken = "code" in error && error.code === "EADDRINUSE";
      const remedy = taken
        ? "another pod or a program of the node has it; choose another hostPort or delete that pod"
        : error.message;
      context.event("Warning", "HostPortNotOpen", `hostPort ${hostPort} is not open: ${remedy}`);
    });
    server.listen(hostPort, hostIp ?? "0.0.0.0");
    servers.push(server);
  }
  return {
    close() {
      for (const server of servers) server.close();
    },
  };
}
