import type { Clock, ClockTimer } from "@heddle/std";
import { type ClientConnection, createRequestHead, type RequestHead } from "@heddle/wire";
import { renderHeader } from "../config/format.ts";
import type { HeaderAddition } from "../config/header-mutation.ts";
import type { HealthCheckConfig, HealthProbe } from "../config/health-check.ts";
import type { Http2Limits } from "../config/http-protocol.ts";
import { matchesString } from "../config/string-match.ts";
import { createClientCodec } from "../transport/codecs.ts";
import { type ConnectionHandler, IGNORE_EVENTS } from "../transport/connection.ts";
import type { Dial, DialOwner } from "../transport/dial.ts";
import { SocketLink } from "../transport/http-link.ts";
import type { StreamConnection } from "../transport/stream-connection.ts";
import type { connectFailure, UpstreamFailure } from "./failure.ts";
import { frameGrpcMessage, grpcOutcome, unframeGrpcMessage } from "./grpc-message.ts";
import { type CollectedResponse, ResponseCollector } from "./response-collector.ts";

/** How one check went. */
export interface ProbeResult {
  readonly ok: boolean;
  readonly reason: string;
  /** The server itself said no: counts without waiting for the threshold. */
  readonly definite: boolean;
  /** False: no answer came. */
  readonly answered: boolean;
}

export interface ProbeSurroundings {
  readonly clock: Clock;
  readonly authority: string;
  dial(owner: DialOwner): Dial | UpstreamFailure;
  /** Called once, unless the probe is cancelled. */
  done(result: ProbeResult): void;
}

const GOOD: ProbeResult = { ok: true, reason: "", definite: false, answered: true };
const BODY_BYTES = 65_536;
const NO_LIMITS: Http2Limits = {
  maxConcurrentStreams: undefined,
  streamWindow: undefined,
  connectionWindow: undefined,
  allowConnect: false,
  keepAlive: undefined,
};

/** The server has answered, and not well. */
function bad(reason: string, definite = false): ProbeResult {
  return { ok: false, reason, definite, answered: true };
}

function unanswered(reason: string): ProbeResult {
  return { ok: false, reason, definite: false, answered: false };
}

/** A connection, a question, an answer. */
class Probe implements DialOwner {
  readonly #config: HealthCheckConfig;
  readonly #around: ProbeSurroundings;
  readonly #timer: ClockTimer;
  #dial: Dial | undefined;
  #connection: StreamConnection | undefined;
  #over = false;

  constructor(config: HealthCheckConfig, around: ProbeSurroundings) {
    this.#config = config;
    this.#around = around;
    this.#timer = around.clock.after(config.timeoutMs, () =>
      this.#finish(unanswered(`no answer within ${config.timeoutMs} ms`)),
    );
  }

  start(): void {
    const dial = this.#around.dial(this);
    if ("code" in dial) this.#finish(unanswered(dial.cause));
    else this.#dial = dial;
  }

  cancel(): void {
    this.#end();
  }

  onConnected(connection: StreamConnection): void {
    this.#dial = undefined;
    this.#connection = connection;
    const { probe } = this.#config;
    if (probe.kind === "tcp") this.#askTcp(connection, probe);
    else if (probe.kind === "http") this.#askHttp(connection, probe);
    else this.#askGrpc(connection, probe);
  }

  onConnectFailed(error: Parameters<typeof connectFailure>[0]): void {
    this.#finish(unanswered(error.message));
  }

  #askTcp(connection: StreamConnection, probe: Extract<HealthProbe, { readonly kind: "tcp" }>): void {
    if (probe.receive.length === 0) {
      if (probe.send !== undefined) connection.write(probe.send);
      this.#finish(GOOD);
      return;
    }
    let received: Buffer = Buffer.alloc(0);
    const handler: ConnectionHandler = {
      ...IGNORE_EVENTS,
      onData: (chunk) => {
        received = Buffer.concat([received, chunk]);
        if (containsAll(received, probe.receive)) this.#finish(GOOD);
        else if (received.length > BODY_BYTES) this.#finish(bad("the answer is not the expected one"));
      },
      onClose: () => this.#finish(unanswered("the connection closed without the expected answer")),
    };
    connection.handler = handler;
    if (probe.send !== undefined) connection.write(probe.send);
  }

  #askHttp(connection: StreamConnection, probe: Extract<HealthProbe, { readonly kind: "http" }>): void {
    const request = this.#head(probe.method, probe.path, probe.host, probe.headers);
    request.headers.set("user-agent", "Envoy/HC");
    for (const header of probe.removed) request.headers.remove(header);
    this.#send(connection, probe.http2, request, undefined, (response) => judgeHttp(probe, response));
  }

  #askGrpc(connection: StreamConnection, probe: Extract<HealthProbe, { readonly kind: "grpc" }>): void {
    const request = this.#head("POST", "/grpc.health.v1.Health/Check", probe.authority, probe.headers);
    request.headers.set("content-type", "application/grpc");
    request.headers.set("te", "trailers");
    request.headers.set("user-agent", "Envoy/HC");
    const name = Buffer.from(probe.service, "utf8");
    // HealthCheckRequest {string service = 1}.
    const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a]), varint(name.length), name]);
    this.#send(connection, true, request, frameGrpcMessage(message), judgeGrpc);
  }

  #head(method: string, path: string, host: string, headers: readonly HeaderAddition[]): RequestHead {
    const head = createRequestHead();
    head.method = method;
    head.path = path === "" ? "/" : path;
    head.authority = host === "" ? this.#around.authority : host;
    for (const header of headers)
      head.headers.append(header.name, renderHeader(header.value, { command: () => undefined }));
    return head;
  }

  #send(
    connection: StreamConnection,
    http2: boolean,
    request: RequestHead,
    body: Uint8Array | undefined,
    judge: (response: CollectedResponse) => ProbeResult,
  ): void {
    const link = new SocketLink<ClientConnection>(
      connection,
      { onLinkClosed: () => {}, onLinkFailure: () => {}, onLinkCapacity: () => {} },
      (host) => createClientCodec(http2, NO_LIMITS, () => this.#around.clock.monotonic(), host),
    );
    request.scheme = connection.tls === undefined ? "http" : "https";
    const collector = new ResponseCollector(BODY_BYTES, (result) =>
      this.#finish(result.ok ? judge(result.value) : unanswered(result.error)),
    );
    const stream = link.http.request(request, body === undefined, collector);
    if (body !== undefined) stream.sendData(body, 0, body.length, true);
  }

  #finish(result: ProbeResult): void {
    if (this.#over) return;
    this.#end();
    this.#around.done(result);
  }

  #end(): void {
    this.#over = true;
    this.#timer.cancel();
    this.#dial?.cancel();
    this.#connection?.close();
  }
}

function judgeHttp(probe: Extract<HealthProbe, { readonly kind: "http" }>, response: CollectedResponse): ProbeResult {
  const within = (ranges: readonly (readonly [number, number])[]) =>
    ranges.some(([start, end]) => response.status >= start && response.status < end);
  if (!within(probe.expected)) return bad(`status ${response.status}`, !within(probe.retriable));
  if (!containsAll(response.body.subarray(0, probe.compareBytes), probe.receive))
    return bad("the body is not the expected one", true);
  if (probe.serviceName === undefined) return GOOD;
  const cluster = response.headers.get("x-envoy-upstream-healthchecked-cluster") ?? "";
  return matchesString(probe.serviceName, cluster) ? GOOD : bad(`the server is ${cluster || "unnamed"}`, true);
}

/** Source: gRPC health checking protocol. */
function judgeGrpc(response: CollectedResponse): ProbeResult {
  if (response.status !== 200) return bad(`status ${response.status}`, true);
  const status = grpcOutcome(response);
  if (status === undefined || status.code !== 0) {
    // UNIMPLEMENTED and UNAVAILABLE say nothing for certain.
    return bad(`grpc-status ${status?.code ?? "missing"}`, status !== undefined && status.code !== 14);
  }
  const message = unframeGrpcMessage(response.body);
  // HealthCheckResponse {ServingStatus status = 1}; SERVING is 1.
  return message?.[0] === 8 && message[1] === 1 ? GOOD : bad("the service is not SERVING", true);
}

/** All texts, in order. */
function containsAll(bytes: Buffer, wanted: readonly Uint8Array[]): boolean {
  let at = 0;
  for (const item of wanted) {
    const found = bytes.indexOf(item, at);
    if (found < 0) return false;
    at = found + item.length;
  }
  return true;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  while (left > 127) {
    bytes.push((left & 127) | 128);
    left >>>= 7;
  }
  bytes.push(left);
  return Buffer.from(bytes);
}

/** Starts one check; never calls `done` before it returns when the host answers at all. */
export function startProbe(config: HealthCheckConfig, around: ProbeSurroundings): { cancel(): void } {
  const probe = new Probe(config, around);
  probe.start();
  return probe;
}
