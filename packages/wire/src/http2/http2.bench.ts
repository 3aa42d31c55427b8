/**
 * What one exchange costs two HTTP/2 codecs (client and server) in memory: heads with HPACK, a small body, flow control.
 * Run: bin/bun packages/wire/src/http2/http2.bench.ts
 */
import { HEADER_ID } from "../http/header-id.ts";
import { headerListOf } from "../http/header-list.ts";
import { IGNORE_STREAM } from "../http/ignore-handler.ts";
import { createRequestHead, createResponseHead } from "../http/message-head.ts";
import type { ClientHost, HttpConnection, ServerHandler, ServerStream } from "../http/stream.ts";
import { createHttp2Client } from "./client-connection.ts";
import { createHttp2Server } from "./server-connection.ts";

const ROUNDS = 5;
const REQUESTS = 100_000;

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

const body = Buffer.from("x".repeat(45));
const response = createResponseHead();
response.headers = headerListOf([
  ["content-type", "application/grpc"],
  ["server", "heddle"],
  ["x-envoy-upstream-service-time", "1"],
]);
const trailers = headerListOf([["grpc-status", "0"]]);

class App implements ServerHandler {
  onRequest(stream: ServerStream): void {
    stream.handler = IGNORE_STREAM;
    stream.sendHead(response, false);
    stream.sendData(body, 0, body.length, false);
    stream.sendTrailers(trailers);
  }
}

const client = createHttp2Client({}, host);
const server = createHttp2Server({}, host, new App());

/** As a socket would: the receiver gets memory of its own. */
function carry(from: HttpConnection, to: HttpConnection): number {
  const { output } = from;
  const bytes = Buffer.from(output.bytes.subarray(output.start, output.end));
  output.consume(bytes.length);
  from.drained();
  to.receive(bytes, 0, bytes.length);
  return bytes.length;
}

const request = createRequestHead();
request.method = "POST";
request.path = "/emojivoto.v1.EmojiService/ListAll";
request.authority = "emoji-svc.emojivoto:8080";
request.headers = headerListOf([
  ["content-type", "application/grpc"],
  ["te", "trailers"],
  ["user-agent", "grpc-go/1.64.1"],
  ["x-request-id", ""],
]);
for (let round = 0; round < ROUNDS; round++) {
  let bytes = 0;
  const began = performance.now();
  for (let i = 0; i < REQUESTS; i++) {
    request.headers.setId(HEADER_ID["x-request-id"], `5c2f0e1a-8d1b-4c0e-9a51-${100_000_000_000 + i}`);
    client.request(request, true, IGNORE_STREAM);
    bytes += carry(client, server);
    bytes += carry(server, client);
  }
  const us = ((performance.now() - began) * 1000) / REQUESTS;
  console.log(`${us.toFixed(2)} µs per exchange on both sides together (${Math.round(bytes / REQUESTS)} bytes)`);
}
