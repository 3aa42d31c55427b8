import { HEADER_ID } from "../http/header-id.ts";
import { type HeaderList, headerListOf } from "../http/header-list.ts";

/** Names by code, in the form that Go programs and Envoy print. Source: google.golang.org/grpc/codes. */
export const GRPC_CODE_NAMES: readonly string[] = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
];

/** Outcome of a call. */
export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
}

const UNKNOWN = 2;

/** Whether a message is gRPC, by its content type (`application/grpc`, also with `+proto` or `;…`; not grpc-web). */
export function isGrpc(headers: HeaderList): boolean {
  const type = headers.getId(HEADER_ID["content-type"]);
  if (type === undefined || !type.startsWith("application/grpc")) return false;
  const next = type.charCodeAt("application/grpc".length);
  return Number.isNaN(next) || next === 43 || next === 59;
}

/** The status in trailers, or in the head of a trailers-only response; undefined when there is none. */
export function readGrpcStatus(headers: HeaderList): GrpcStatus | undefined {
  const text = headers.getId(HEADER_ID["grpc-status"]);
  if (text === undefined) return undefined;
  const code = /^\d{1,3}$/.test(text) ? Number(text) : UNKNOWN;
  return { code, message: decodeGrpcMessage(headers.getId(HEADER_ID["grpc-message"]) ?? "") };
}

/** Trailers, or the head of a trailers-only response, that say a status. */
export function grpcStatusHeaders(status: GrpcStatus): HeaderList {
  const list = headerListOf([["grpc-status", String(status.code)]]);
  if (status.message !== "") list.append("grpc-message", encodeGrpcMessage(status.message));
  return list;
}

/** The gRPC code of a plain HTTP answer. Source: grpc/doc/http-grpc-status-mapping.md. */
export function grpcCodeOfHttpStatus(status: number): number {
  switch (status) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return UNKNOWN;
  }
}

/** Percent-encodes what a header value cannot hold. Source: gRPC over HTTP/2, "Status-Message". */
export function encodeGrpcMessage(message: string): string {
  let out = "";
  for (const byte of Buffer.from(message)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    out += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

/** Never fails: what is not valid encoding stays as it is. */
export function decodeGrpcMessage(text: string): string {
  if (!text.includes("%")) return text;
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const hex = text.slice(i + 1, i + 3);
    if (text[i] === "%" && /^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      i += 2;
    } else {
      bytes.push(text.charCodeAt(i) & 255);
    }
  }
  return Buffer.from(bytes).toString();
}
