import type { Readable, Writable } from "node:stream";
import type { NetworkChoice } from "../network/index.ts";
import type { PhaseTime } from "./cluster-record.ts";

/** What the host process hands to the node process, in the environment variable `NODE_CONFIG_VARIABLE`. */
export interface NodeConfig {
  readonly name: string;
  readonly index: number;
  readonly network: NetworkChoice;
  /** The cluster's own directory; those of others stand beside it. */
  readonly directory: string;
  readonly rootless: boolean;
  readonly logDirectory: string;
  readonly nodeDirectory: string;
  readonly tunnelSocket: string;
}
export const NODE_CONFIG_VARIABLE = "HEDDLE_NODE_CONFIG";

/** What the cluster's administrator needs beside the address. */
export interface AdminAccess {
  readonly caPem: string;
  /** Bearer token. */
  readonly token: string;
}

/** A port of the node that the host opens on 127.0.0.1 too: a NodePort, or a port of a LoadBalancer. */
export interface NodePort {
  readonly port: number;
  /** `namespace/name`. */
  readonly service: string;
  /** Set for a LoadBalancer: `nodePort` of the same Service port leads there as well, 0 where it has none. */
  readonly balancer?: { readonly nodePort: number };
}

/** Lines of JSON from the node's standard output to the host. */
export type NodeMessage =
  | ({ readonly kind: "phase" } & PhaseTime)
  | ({ readonly kind: "ready" } & AdminAccess)
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "node-ports"; readonly ports: readonly NodePort[] }
  /** A DNS question that the cluster can't answer itself; `packet` is base64. */
  | { readonly kind: "resolve"; readonly id: number; readonly packet: string };

/** Lines of JSON from the host to the node's standard input; its end means the host is gone. */
export type HostMessage =
  | { readonly kind: "resolved"; readonly id: number; readonly packet?: string }
  | ({ readonly kind: "node-port-opened" } & NodePort)
  | ({ readonly kind: "node-port-failed"; readonly reason: string } & NodePort)
  | { readonly kind: "stop" };

export function sendMessage(output: Writable, message: NodeMessage | HostMessage): void {
  if (output.writable) output.write(`${JSON.stringify(message)}\n`);
}

/** Calls `onMessage` per line that is a message, `onText` for anything else that a program printed there. */
export function readMessages<T extends NodeMessage | HostMessage>(
  input: Readable,
  onMessage: (message: T) => void,
  onText: (line: string) => void,
): void {
  let rest = "";
  input.setEncoding("utf8");
  input.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const message = decodeMessage(line);
      if (message === undefined) onText(line);
      else onMessage(message as T);
    }
  });
}

/** Both ends are this program in one version, so the tag decides. */
function decodeMessage(line: string): unknown {
  if (!line.startsWith('{"kind":"')) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
