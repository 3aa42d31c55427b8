import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { createRequestHead, type GrpcStatus, type RequestHead, readGrpcStatus } from "@heddle/wire";
import type { GrpcServer } from "../config/grpc-service.ts";
import type { CollectedResponse } from "./response-collector.ts";

/** One message with its length before it. Source: gRPC over HTTP/2, "Length-Prefixed-Message". */
export function frameGrpcMessage(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(5 + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, 5);
  return framed;
}

/** The first message of a body; undefined when it is cut off or compressed. */
export function unframeGrpcMessage(body: Buffer): Uint8Array | undefined {
  if (body.length < 5 || body[0] !== 0) return undefined;
  const length = body.readUInt32BE(1);
  return body.length < 5 + length ? undefined : body.subarray(5, 5 + length);
}

/** The head of a call of the proxy itself. `server`: how it is named, and what it wants to know of us. */
export function grpcRequestHead(path: string, server: Pick<GrpcServer, "authority" | "metadata">): RequestHead {
  const head = createRequestHead();
  head.method = "POST";
  head.path = path;
  head.authority = server.authority;
  head.headers.set("content-type", "application/grpc");
  head.headers.set("te", "trailers");
  for (const [name, value] of server.metadata) head.headers.append(name, value);
  return head;
}

/** A call with one message. */
export function grpcRequest<S extends DescMessage>(
  path: string,
  server: Pick<GrpcServer, "authority" | "metadata">,
  schema: S,
  message: MessageInitShape<S>,
): { readonly head: RequestHead; readonly body: Buffer } {
  return { head: grpcRequestHead(path, server), body: frameGrpcMessage(toBinary(schema, create(schema, message))) };
}

/** How a call ended; undefined when its answer does not say so. */
export function grpcOutcome(response: CollectedResponse): GrpcStatus | undefined {
  return readGrpcStatus(response.trailers) ?? readGrpcStatus(response.headers);
}

/** The message of a call that went well; undefined when it did not, or the answer is not such a message. */
export function readGrpcAnswer<S extends DescMessage>(
  schema: S,
  response: CollectedResponse,
): MessageShape<S> | undefined {
  const message = grpcOutcome(response)?.code === 0 ? unframeGrpcMessage(response.body) : undefined;
  if (message === undefined) return undefined;
  try {
    return fromBinary(schema, message);
  } catch {
    return undefined;
  }
}
