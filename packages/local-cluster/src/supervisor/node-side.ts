import type { Readable, Writable } from "node:stream";
import type { Upstream } from "../dns/index.ts";
import { type AdminAccess, type HostMessage, type NodePort, readMessages, sendMessage } from "./node-link.ts";

/** The node's end of the link to the host process. */
export interface NodeSide {
  /** Runs one start-up step and tells the host how long it took. */
  phase<T>(name: string, step: () => T | Promise<T>): Promise<T>;
  ready(access: AdminAccess): void;
  failed(message: string): void;
  nodePorts(ports: readonly NodePort[]): void;
  /** Resolvers of the host, as the cluster's own network leads nowhere else. */
  readonly hostResolvers: Upstream;
  /** Called once, when the host asks for an end or is gone. */
  onStop(listener: () => void): void;
  /** The host has opened a port, or could not: it works inside only, for the reason given. */
  onNodePortTried(listener: (port: NodePort, reason: string | undefined) => void): void;
}

/** The host answers within its own time limits; this only guards against a lost reply. */
const HOST_REPLY_MS = 5000;

export function createNodeSide(input: Readable, output: Writable): NodeSide {
  const questions = new Map<number, (answer: Uint8Array | undefined) => void>();
  let lastId = 0;
  let stop: (() => void) | undefined;
  let stopped = false;
  let portTried: (port: NodePort, reason: string | undefined) => void = () => undefined;

  const stopOnce = () => {
    stopped = true;
    stop?.();
    stop = undefined;
  };
  const onMessage = (message: HostMessage) => {
    switch (message.kind) {
      case "stop":
        stopOnce();
        break;
      case "resolved":
        questions.get(message.id)?.(message.packet === undefined ? undefined : Buffer.from(message.packet, "base64"));
        break;
      case "node-port-opened":
        portTried(message, undefined);
        break;
      case "node-port-failed":
        portTried(message, message.reason);
    }
  };
  readMessages<HostMessage>(input, onMessage, () => undefined);
  input.on("end", stopOnce);
  output.on("error", stopOnce);

  const ask = (query: Uint8Array): Promise<Uint8Array | undefined> => {
    lastId += 1;
    const id = lastId;
    return new Promise((resolve) => {
      const finish = (answer: Uint8Array | undefined) => {
        clearTimeout(timer);
        questions.delete(id);
        resolve(answer);
      };
      const timer = setTimeout(() => finish(undefined), HOST_REPLY_MS);
      questions.set(id, finish);
      sendMessage(output, { kind: "resolve", id, packet: Buffer.from(query).toString("base64") });
    });
  };
  return {
    phase: async (name, step) => {
      const started = performance.now();
      const result = await step();
      sendMessage(output, { kind: "phase", phase: name, ms: performance.now() - started });
      return result;
    },
    ready: (access) => sendMessage(output, { kind: "ready", ...access }),
    failed: (message) => sendMessage(output, { kind: "failed", message }),
    nodePorts: (ports) => sendMessage(output, { kind: "node-ports", ports }),
    hostResolvers: { resolve: ask },
    onStop: (listener) => {
      stop = listener;
      if (stopped) stopOnce();
    },
    onNodePortTried: (listener) => {
      portTried = listener;
    },
  };
}
