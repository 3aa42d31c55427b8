import type { Duplex } from "node:stream";

/** The part of a kubelet that the API server calls for pod subresources. */
export interface PodStreams {
  /** `GET …/pods/x/log`: chunks of log text; ends at the end of the log, or with `follow` when the container ends or `signal` aborts. */
  logs(pod: PodRef, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Takes over an upgraded connection of exec, attach or portforward. The request head is read, nothing is answered yet: the callee writes the
   * `101` (SPDY/3.1 with `X-Stream-Protocol-Version` v1–v4.channel.k8s.io, or WebSocket v4/v5.channel.k8s.io, v2.portforward.k8s.io) or an HTTP error, then owns the socket.
   */
  upgrade(kind: "exec" | "attach" | "portforward", pod: PodRef, request: UpgradeRequest): void;
}

export interface PodRef {
  readonly namespace: string;
  readonly name: string;
}

/** Query parameters of the log subresource, parsed. `container` undefined means the default container. */
export interface LogOptions {
  readonly container?: string;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  readonly sinceTime?: string;
  readonly limitBytes?: number;
}

export interface UpgradeRequest {
  readonly method: string;
  /** Repeated parameters (`command=…&command=…`) keep their order. */
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly socket: Duplex;
  /** Bytes that arrived behind the request head. */
  readonly head: Uint8Array;
}
