import {
  createHeaderList,
  createResponseHead,
  HEADER_ID,
  type HeaderList,
  type ResponseHead,
  type ServerStream,
} from "@heddle/wire";
import { grpcStatusOf } from "../rescue.ts";

/** An answer of the proxy itself. */
export interface LocalReply {
  readonly status: number;
  readonly headers: HeaderList;
  /** Empty for none. */
  readonly body: Uint8Array;
  /** -1: not gRPC. */
  readonly grpcStatus: number;
}

const EMPTY = new Uint8Array(0);

/** Text for HTTP clients; trailers-only for gRPC clients, who understand nothing else. Source: Envoy local replies. */
export function makeLocalReply(
  status: number,
  body: string,
  grpc: boolean,
  headRequest: boolean,
  grpcStatusOverride?: number,
): LocalReply {
  const headers = createHeaderList();
  if (grpc) {
    const grpcStatus = grpcStatusOverride ?? grpcStatusOf(status);
    headers.appendId(HEADER_ID["content-type"], "application/grpc");
    headers.appendId(HEADER_ID["grpc-status"], String(grpcStatus));
    if (body !== "") headers.appendId(HEADER_ID["grpc-message"], percentEncode(body));
    return { status: 200, headers, body: EMPTY, grpcStatus };
  }
  const bytes = body === "" ? EMPTY : Buffer.from(body, "utf8");
  headers.appendId(HEADER_ID["content-length"], String(bytes.length));
  if (bytes.length > 0) headers.appendId(HEADER_ID["content-type"], "text/plain");
  return { status, headers, body: headRequest ? EMPTY : bytes, grpcStatus: -1 };
}

/** The head of a local reply. */
export function localHead(
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

/** Tells a client that waits for it to send its body. */
export function sendContinue(downstream: ServerStream): void {
  downstream.request.headers.removeId(HEADER_ID.expect);
  const head = createResponseHead();
  head.status = 100;
  downstream.sendInformational(head);
}

/** Source: gRPC over HTTP/2, "Status-Message". */
function percentEncode(text: string): string {
  let out = "";
  for (const byte of Buffer.from(text, "utf8")) {
    out +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}
