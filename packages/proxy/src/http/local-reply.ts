import {
  createHeaderList,
  createResponseHead,
  encodeGrpcMessage,
  HEADER_ID,
  type HeaderList,
  type ResponseHead,
  type ServerStream,
} from "@heddle/wire";
import type { FilterReply } from "../filters/http-filter.ts";
import { grpcStatusOf, type Rescue, type TrafficFailureCode } from "../rescue.ts";
import type { HttpManager } from "./connection-manager.ts";
import type { ForwardedExchange } from "./forward-request.ts";
import { addHeaders } from "./header-values.ts";
import { mapReply } from "./reply-mapping.ts";
import { prepareLocalResponse } from "./response-prepare.ts";

/** An answer of the proxy itself. */
export interface LocalReply {
  readonly status: number;
  readonly headers: HeaderList;
  /** Empty for none. */
  readonly body: Uint8Array;
  /** -1: not gRPC. */
  readonly grpcStatus: number;
  /** Of the body, where nobody says another; "": none is needed. */
  readonly contentType: string;
}

const EMPTY = new Uint8Array(0);

/** Text for HTTP clients; trailers-only for gRPC clients, who understand nothing else. Source: Envoy local replies. */
function makeLocalReply(
  status: number,
  body: string,
  grpc: boolean,
  headRequest: boolean,
  grpcStatusOverride?: number,
  contentType = "text/plain",
): LocalReply {
  const headers = createHeaderList();
  if (grpc) {
    const grpcStatus = grpcStatusOverride ?? grpcStatusOf(status);
    headers.appendId(HEADER_ID["content-type"], "application/grpc");
    headers.appendId(HEADER_ID["grpc-status"], String(grpcStatus));
    if (body !== "") headers.appendId(HEADER_ID["grpc-message"], encodeGrpcMessage(body));
    return { status: 200, headers, body: EMPTY, grpcStatus, contentType: "" };
  }
  const bytes = body === "" ? EMPTY : Buffer.from(body, "utf8");
  headers.appendId(HEADER_ID["content-length"], String(bytes.length));
  return {
    status,
    headers,
    body: headRequest ? EMPTY : bytes,
    grpcStatus: -1,
    contentType: bytes.length > 0 ? contentType : "",
  };
}

/** The head of a local reply. */
function localHead(
  reply: LocalReply,
  location: string | undefined,
  extra: readonly (readonly [name: string, value: string])[] | undefined,
): ResponseHead {
  const head = createResponseHead();
  head.status = reply.status;
  head.headers = reply.headers;
  if (extra !== undefined) for (const [name, value] of extra) head.headers.append(name, value);
  if (location !== undefined) head.headers.append("location", location);
  return head;
}

/** An exchange that is answered by the proxy itself. */
type AnsweredExchange = ForwardedExchange;

/** The answer of the proxy itself, as the connection manager sends it. */
export interface ComposedReply {
  readonly head: ResponseHead;
  readonly body: Uint8Array;
  readonly grpcStatus: number;
}

/** What a reply of the proxy itself has beside status and body. */
export interface ReplyExtra extends Pick<FilterReply, "grpcStatus" | "bare" | "headers" | "bytes" | "change"> {
  /** Says nothing of the tries: of the connection manager's own limits, which know nothing of them. */
  readonly uncounted?: boolean;
}

/** Of a failure's own answer. */
export function failureExtra(code: TrafficFailureCode, { grpcStatus }: Rescue): ReplyExtra {
  return { uncounted: code !== "timeout", ...(grpcStatus === undefined ? {} : { grpcStatus }) };
}

/** Of requests that a circuit breaker refused. Source: Envoy's router filter. */
export const overloaded: ReplyExtra = { headers: [["x-envoy-overloaded", "true"]] };

/** Puts together head and body of a local reply: what filters add, and what the connection manager adds to every response. */
export function composeLocalReply(
  manager: HttpManager,
  exchange: AnsweredExchange,
  status: number,
  body: string,
  location: string | undefined,
  extra: ReplyExtra | undefined,
): ComposedReply {
  const { grpc, request } = exchange;
  const { localReply } = manager.config;
  const noBody = request.method === "HEAD";
  let reply: LocalReply;
  let head: ResponseHead;
  if (localReply === undefined) {
    reply = makeLocalReply(status, body, grpc, noBody, extra?.grpcStatus);
    head = localHead(reply, location, extra?.headers);
  } else {
    const mapped = mapReply(
      localReply,
      exchange,
      status,
      body,
      manager.clock.monotonic(),
      manager.random,
      manager.runtime,
    );
    reply = makeLocalReply(mapped.status, mapped.body, grpc, noBody, extra?.grpcStatus, mapped.contentType);
    head = localHead(reply, location, extra?.headers);
    addHeaders(mapped.headers, head.headers, mapped.values);
  }
  prepareLocalResponse(manager, exchange, head, extra?.bare === true, extra?.uncounted === true);
  const type = HEADER_ID["content-type"];
  if (reply.contentType !== "" && !head.headers.hasId(type)) head.headers.appendId(type, reply.contentType);
  extra?.change?.(head);
  // Bytes stand for a text that nobody has mapped.
  const bytes = reply.body.length > 0 && localReply === undefined ? extra?.bytes : undefined;
  if (bytes === undefined) return { head, body: reply.body, grpcStatus: reply.grpcStatus };
  head.headers.setId(HEADER_ID["content-length"], String(bytes.length));
  return { head, body: bytes, grpcStatus: reply.grpcStatus };
}

/** Tells a client that waits for it to send its body. */
export function sendContinue(downstream: ServerStream): void {
  downstream.request.headers.removeId(HEADER_ID.expect);
  const head = createResponseHead();
  head.status = 100;
  downstream.sendInformational(head);
}
