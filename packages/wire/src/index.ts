export {
  decodeGrpcMessage,
  encodeGrpcMessage,
  GRPC_CODE_NAMES,
  type GrpcStatus,
  grpcCodeOfHttpStatus,
  grpcStatusHeaders,
  isGrpc,
  readGrpcStatus,
} from "./grpc/grpc-status.ts";
export { formatGrpcTimeout, parseGrpcTimeout } from "./grpc/grpc-timeout.ts";
export {
  createGrpcMessageReader,
  GRPC_PREFIX_BYTES,
  type GrpcMessageReader,
  type GrpcMessageSink,
  writeGrpcMessage,
} from "./grpc/message-framing.ts";
export { type WireFailure, type WireFailureCode, wireFailure } from "./http/failure.ts";
export { HEADER_ID, HEADER_NAMES, headerId, type KnownHeaderName } from "./http/header-id.ts";
export { createHeaderList, type HeaderList, headerEntries, headerListOf } from "./http/header-list.ts";
export type { Http2Options, HttpOptions } from "./http/http-options.ts";
export {
  createRequestHead,
  createResponseHead,
  HTTP_1_0,
  HTTP_1_1,
  HTTP_2,
  type RequestHead,
  type ResponseHead,
} from "./http/message-head.ts";
export type {
  ClientConnection,
  ClientHost,
  ConnectionHost,
  HttpConnection,
  HttpStream,
  Pings,
  ServerHandler,
  ServerStream,
  StreamHandler,
} from "./http/stream.ts";
export type { StreamBytes } from "./http/stream-bytes.ts";
export { createHttp1Client } from "./http1/client-connection.ts";
export { createHttp1Server } from "./http1/server-connection.ts";
export { createHttp2Client } from "./http2/client-connection.ts";
export { errorCodeName } from "./http2/error-code.ts";
export { createHttp2Server } from "./http2/server-connection.ts";
export { createOutputBuffer, type OutputBuffer } from "./output-buffer.ts";
export type { ProxyAddress, ProxyHeader, ProxyTlv, ReadProxyHeader } from "./proxy-protocol/proxy-header.ts";
export { MAX_PROXY_HEADER_BYTES, readProxyHeader } from "./proxy-protocol/read-proxy-header.ts";
export { writeProxyV1, writeProxyV2 } from "./proxy-protocol/write-proxy-header.ts";
export { MAX_SNIFF_BYTES, type SniffedProtocol, sniffProtocol } from "./sniff/protocol-sniff.ts";
export { createSpareMemory, type SpareMemory } from "./spare-memory.ts";
export { type ClientHello, MAX_CLIENT_HELLO_BYTES, readClientHello } from "./tls/client-hello.ts";
export { ja3Text } from "./tls/ja3-text.ts";
export { type Ja4Parts, ja4Parts } from "./tls/ja4-parts.ts";
export {
  createWebSocketReader,
  type WebSocketReader,
  type WebSocketReaderOptions,
  type WebSocketSink,
  WS_BINARY,
  WS_CLOSE,
  WS_CONTINUATION,
  WS_PING,
  WS_PONG,
  WS_TEXT,
  writeWebSocketFrame,
} from "./websocket/frame-codec.ts";
export { webSocketAccept } from "./websocket/handshake.ts";
