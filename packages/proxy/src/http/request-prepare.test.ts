import { expect, test } from "bun:test";
import { fromJson } from "@bufbuild/protobuf";
import { pathCases } from "@heddle/std/path-cases";
import { createRequestHead } from "@heddle/wire";
import { decodeHttpManager } from "../config/http-manager.ts";
import { HttpConnectionManagerSchema } from "../config/proto.ts";
import { createScope } from "../config/scope.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import { prepareRequest } from "./request-prepare.ts";

test.each(
  pathCases.map((one) => [one.sent, JSON.stringify(one.manager), one] as const),
)("%s under %s", (_sent, _manager, { manager, sent, seen }) => {
  const message = fromJson(HttpConnectionManagerSchema, { ...manager, stat_prefix: "t", route_config: {} });
  const config = decodeHttpManager(message, createScope());
  if (config === undefined) throw new Error("no configuration");
  const address = { ip: "10.0.0.1", port: 80 };
  const info: ConnectionInfo = {
    id: 1,
    local: address,
    original: undefined,
    remote: address,
    localText: "10.0.0.1:80",
    directIp: "10.0.0.1",
    remoteText: "10.0.0.1:80",
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
  };
  const request = createRequestHead();
  request.path = sent;
  const refusal = prepareRequest(config, info, request, () => "id");
  expect(refusal === undefined ? request.path : undefined).toBe(seen);
});
