/** One exchange as a proxy tells it on its `/tap`, one JSON object a line: heads, sizes and times, never a body. */
export interface TapEvent {
  /** When it began. Units: ms since 1970. */
  readonly time: number;
  readonly direction: "in" | "out";
  readonly src: string;
  readonly dst: string;
  readonly tls: boolean;
  readonly srcId: string;
  readonly dstId: string;
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly status: number;
  /** -1: not gRPC, or none was sent. */
  readonly grpcStatus: number;
  readonly grpcMessage: string;
  readonly flags: string;
  readonly details: string;
  readonly cluster: string;
  readonly route: string;
  /** Until the response began; -1: it never did. Units: ms. */
  readonly latencyMs: number;
  readonly durationMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** The proxy knows the usual headers only (Envoy's log names each that it tells); without it, all are here. */
  readonly usualHeadersOnly?: true;
  /** Values of secret headers are replaced. */
  readonly requestHeaders: readonly (readonly [string, string])[];
  readonly responseHeaders: readonly (readonly [string, string])[];
}
