import { errorCode } from "./cluster-problem.ts";
import type { NodePort } from "./node-link.ts";
import { type HostListener, openHostListener } from "./tunnel.ts";

/** Keeps one listener on the host per NodePort of the cluster. */
export interface NodePortListeners {
  /** Opens what is new, closes what is gone. A port that is taken is reported once and tried again at the next change. */
  replace(ports: readonly NodePort[]): void;
  close(): Promise<void>;
}

export function createNodePortListeners(
  tunnelPath: string,
  nodeIp: string,
  onFailure: (port: NodePort, reason: string) => void,
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
      try {
        open.set(nodePort.port, await openHostListener(tunnelPath, nodePort.port, `${nodeIp}:${nodePort.port}`));
      } catch (error) {
        onFailure(nodePort, failureReason(nodePort.port, error));
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

function failureReason(port: number, error: unknown): string {
  if (errorCode(error) === "EADDRINUSE") {
    return `port ${port} of the host is in use, perhaps by another cluster: the NodePort works inside this cluster only; give the Service another nodePort`;
  }
  return `port ${port} of the host can't be opened: ${error instanceof Error ? error.message : error}`;
}
