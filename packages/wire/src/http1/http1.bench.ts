/**
 * What one request costs the codecs of a proxy: parse, change headers, serialize, and the same for the response.
 * Run: bin/bun packages/wire/src/http1/http1.bench.ts
 */
import { HEADER_ID } from "../http/header-id.ts";
import { IGNORE_STREAM } from "../http/ignore-handler.ts";
import type { ResponseHead } from "../http/message-head.ts";
import type {
  ClientConnection,
  ClientHost,
  HttpConnection,
  HttpStream,
  ServerHandler,
  ServerStream,
  StreamHandler,
} from "../http/stream.ts";
import { createHttp1Client } from "./client-connection.ts";
import { createHttp1Server } from "./server-connection.ts";

const ROUNDS = 5;
const REQUESTS = 200_000;

const REQUEST = Buffer.from(
  "GET /api/list?limit=20 HTTP/1.1\r\nHost: web-svc.emojivoto.svc.cluster.local:80\r\n" +
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\nAccept: application/json\r\n" +
    "Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nx-b3-sampled: 1\r\n" +
    "x-app-tenant: blue\r\nReferer: http://web-svc.emojivoto.svc.cluster.local/index.html\r\n\r\n",
);
const RESPONSE = Buffer.from(
  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 45\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n" +
    "Cache-Control: no-store\r\nServer: emoji\r\n\r\n" +
    "x".repeat(45),
);

const host: ClientHost = {
  wantsFlush() {},
  setReadPaused() {},
  wantsClose() {},
  wantsHalfClose() {},
  onFailure(_, failure) {
    throw new Error(failure.message);
  },
  onCapacity() {},
};

class Exchange implements StreamHandler, ServerHandler {
  readonly upstream: ClientConnection;
  downstream: ServerStream | null = null;
  bytes = 0;

  constructor(upstream: ClientConnection) {
    this.upstream = upstream;
  }

  onRequest(stream: ServerStream, endStream: boolean): void {
    stream.handler = IGNORE_STREAM;
    this.downstream = stream;
    const { headers } = stream.request;
    headers.removeId(HEADER_ID["x-envoy-internal"]);
    headers.setId(HEADER_ID["x-request-id"], "5c2f0e1a-8d1b-4c0e-9a51-2f6f0a4b7c11");
    headers.setId(HEADER_ID["x-forwarded-proto"], "http");
    headers.setId(HEADER_ID["x-envoy-decorator-operation"], "web-svc.emojivoto.svc.cluster.local:80/*");
    this.upstream.request(stream.request, endStream, this);
  }

  onHead(_stream: HttpStream, head: ResponseHead, endStream: boolean): void {
    head.headers.setId(HEADER_ID.server, "heddle");
    head.headers.setId(HEADER_ID["x-envoy-upstream-service-time"], "1");
    this.downstream?.sendHead(head, endStream);
  }

  onData(_stream: HttpStream, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    this.downstream?.sendData(bytes, start, end, endStream);
  }

  onInformational(): void {}
  onTrailers(): void {}
  onReset(): void {}
  onDrain(): void {}
  onClose(): void {}
}

function flush(connection: HttpConnection): number {
  const bytes = connection.output.length;
  connection.output.consume(bytes);
  connection.drained();
  return bytes;
}

const upstream = createHttp1Client({}, host);
const server = createHttp1Server({}, host, new Exchange(upstream));
for (let round = 0; round < ROUNDS; round++) {
  let bytes = 0;
  const began = performance.now();
  for (let i = 0; i < REQUESTS; i++) {
    server.receive(REQUEST, 0, REQUEST.length);
    bytes += flush(upstream);
    upstream.receive(RESPONSE, 0, RESPONSE.length);
    bytes += flush(server);
  }
  const us = ((performance.now() - began) * 1000) / REQUESTS;
  console.log(`${us.toFixed(2)} µs per request and response (${bytes / REQUESTS} bytes out)`);
}
