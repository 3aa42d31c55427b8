import { expect, test } from "bun:test";
import { createRequestHead, createResponseHead } from "@heddle/wire";
import type { ExchangeRecord } from "../http/exchange-record.ts";
import { createTap } from "../telemetry/tap.ts";
import { tapForbidden, tapPage } from "./tap-page.ts";

function exchange(status: number, path = "/a"): ExchangeRecord {
  const request = createRequestHead();
  request.method = "GET";
  request.path = path;
  request.headers.append("authorization", "Bearer very-secret");
  request.headers.append("x-hostile", "<script>");
  const address = { ip: "10.0.0.1", port: 80 };
  return {
    connection: {
      id: 1,
      local: address,
      original: undefined,
      remote: address,
      localText: "10.0.0.1:80",
      directIp: "10.0.0.2",
      remoteText: "10.0.0.2:4000",
      direction: "inbound",
      tls: undefined,
      allowedBy: "",
      principal: "",
      sni: "",
      ja3: "",
      ja4: "",
      socket: { tlsSession: undefined, roundTripMs: undefined },
      localUri: "",
      chainName: "",
      listenerName: "",
      listenerMetadata: undefined,
      chainMetadata: undefined,
      handshakeMs: -1,
      filterState: undefined,
      metadata: undefined,
      upstreamAlpn: undefined,
      clientCertElement: undefined,
    },
    request,
    response: createResponseHead(),
    route: undefined,
    cluster: undefined,
    clusterName: "inbound|80||",
    host: undefined,
    upstreamLocal: "",
    upstreamSecure: false,
    upstreamPrincipal: "",
    upstream: undefined,
    downstreamBytes: undefined,
    upstreamBytes: undefined,
    failedTries: [],
    virtualCluster: undefined,
    responseTrailers: undefined,
    upstreamWantedMs: -1,
    upstreamReadyMs: -1,
    upstreamEndMs: -1,
    upstreamBodyMs: -1,
    logType: "DownstreamEnd",
    upstreamVersion: 11,
    filterState: undefined,
    sharedState: undefined,
    status,
    grpcStatus: -1,
    grpc: false,
    requestMessages: undefined,
    responseMessages: undefined,
    flags: "-",
    details: "",
    transportFailure: "",
    bytesReceived: 0,
    bytesSent: 0,
    attempts: 1,
    startMs: 1,
    endMs: 3,
    requestEndMs: 1,
    firstByteMs: 2,
    startTime: 1000,
    originalPath: path,
    peerMetadataId: "",
    metadata: undefined,
    span: undefined,
    peerMetadata: "",
  };
}

const at = (query: string) => new URL(`http://localhost/tap?${query}`);

test("keeps the last failures, nothing of what went well, no secret", async () => {
  const tap = createTap();
  for (let i = 0; i < 100; i++) tap.observer.onExchangeDone(exchange(503, `/${i}`));
  tap.observer.onExchangeDone(exchange(200, "/good"));
  const text = await tapPage(tap, at("recent&follow=false"), false, () => 0).text();
  const events: { path: string }[] = text
    .trim()
    .split("\n")
    .map((l) => JSON.parse(l));
  expect(events.length).toBe(64);
  expect(events.at(-1)?.path).toBe("/99");
  expect(text).not.toContain("very-secret");
  expect(text).toContain("[redacted]");
});

test("a watcher gets what happens, up to its limit, and is forgotten when it goes", async () => {
  const tap = createTap();
  let now = 0;
  const body = tapPage(tap, at("max_rps=2"), false, () => now).body;
  if (!body) throw new Error("no body");
  const reader = body.getReader();
  await reader.read();
  for (let i = 0; i < 5; i++) tap.observer.onExchangeDone(exchange(200, `/${i}`));
  now = 1000;
  tap.observer.onExchangeDone(exchange(200, "/later"));
  const lines = [];
  for (let i = 0; i < 4; i++) lines.push(String((await reader.read()).value));
  expect(lines.map((l) => JSON.parse(l)).map((e) => e.path ?? e.dropped)).toEqual(["/0", "/1", 3, "/later"]);
  await reader.cancel();
  tap.observer.onExchangeDone(exchange(200));
});

test("refuses a wrong limit and pods that opted out", async () => {
  const tap = createTap();
  expect(tapPage(tap, at("max_rps=0"), false, () => 0).status).toBe(400);
  expect(tapPage(tap, at(""), true, () => 0).status).toBe(403);
  expect(tapForbidden({ ANNOTATIONS: { "viz.linkerd.io/disable-tap": "true" } })).toBe(true);
  expect(tapForbidden({ ANNOTATIONS: { "config.linkerd.io/disable-tap": "true" } })).toBe(true);
  expect(tapForbidden({})).toBe(false);
});
