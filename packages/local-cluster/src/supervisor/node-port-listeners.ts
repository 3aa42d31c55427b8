import type { ClusterNetworkPlan } from "../contract/index.ts";
import { errorCode } from "./cluster-problem.ts";
import type { NodePort } from "./node-link.ts";
import { type HostListener, openHostListener } from "./tunnel.ts";

/** Keeps one listener on the host per NodePort and LoadBalancer port of the cluster. */
export interface NodePortListeners {
  /** Opens what is new, closes what is gone. A port that is taken is reported once and tried again at the next change. */
  replace(ports: readonly NodePort[]): void;
  close(): Promise<void>;
}

export function createNodePortListeners(
  tunnelPath: string,
  plan: Pick<ClusterNetworkPlan, "nodeIp" | "externalIp">,
  onTried: (port: NodePort, reason: string | undefined) => void,
): NodePortListeners {
  const open = new Map<number, HostListener>();
  let wanted: readonly NodePort[] = [];
  let work: Promise<void> = Promise.resolve();
  let closed = false;

  const settle = async () => {
    const numbers = new Set(closed ? [] : wanted.map(({ port }) => port));
    for (const [port, listener] of open) {
      if (numbers.has(port)) continue;
      open.delete(port);
      await listener.close();
    }
    for (const nodePort of closed ? [] : wanted) {
      if (open.has(nodePort.port)) continue;
      const inside = nodePort.balancer === undefined ? plan.nodeIp : plan.externalIp;
      try {
        open.set(nodePort.port, await openHostListener(tunnelPath, nodePort.port, `${inside}:${nodePort.port}`));
        onTried(nodePort, undefined);
      } catch (error) {
        onTried(nodePort, failureReason(nodePort, error));
      }
    }
  };
  const schedule = () => {
    work = work.then(settle);
    return work;
  };
  return {
    replace: (ports) => {
      wanted = ports;
      void schedule();
    },
    close: () => {
      closed = true;
      return schedule();
    },
  };
}

function failureReason({ port, balancer }: NodePort, error: unknown): string {
  const code = errorCode(error);
  const why =
    code === "EADDRINUSE"
      ? "is in use, perhaps by another cluster"
      : code === "EACCES"
        ? "is open to root only"
        : `can't be opened (${error instanceof Error ? error.message : error})`;
  if (balancer === undefined)
    return `port ${port} of the host ${why}: the NodePort works inside this cluster only; give the Service another nodePort`;
  const instead = balancer.nodePort === 0 ? "give the Service another port" : `use 127.0.0.1:${balancer.nodePort}`;
  return `port ${port} of the host ${why}: the LoadBalancer answers inside this cluster only; from the host ${instead}`;
}
