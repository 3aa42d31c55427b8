import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { createRequestHead, headerEntries, type RequestHead } from "@heddle/wire";
import { CheckRequestSchema } from "@heddle/xds-api/envoy/service/auth/v3/external_auth";
import type { ExtAuthzConfig } from "../config/filters/ext-authz.ts";
import { matchesString, type StringMatch } from "../config/string-match.ts";
import { grpcRequest } from "../upstream/grpc-message.ts";
import type { FilterCall, RequestBody } from "./http-filter.ts";

/** Tells the service whether it sees the whole body. */
const PARTIAL = "x-envoy-auth-partial-body";
const PATH = "/envoy.service.auth.v3.Authorization/Check";

export function matchesAny(list: readonly StringMatch[], text: string): boolean {
  return list.some((match) => matchesString(match, text));
}

function mayTell(config: ExtAuthzConfig, name: string): boolean {
  if (matchesAny(config.disallowedHeaders, name)) return false;
  return config.allowedHeaders.length === 0 || matchesAny(config.allowedHeaders, name);
}

/** The gRPC request that describes a request. Source: Envoy `AttributeContext`. */
export function grpcCheck(
  config: ExtAuthzConfig,
  call: FilterCall,
  context: Readonly<Record<string, string>>,
  body: RequestBody | undefined,
): { readonly head: RequestHead; readonly body: Buffer } {
  const { request, exchange } = call;
  const { connection } = exchange;
  const headers: Record<string, string> = {
    ":method": request.method,
    ":path": request.path,
    ":authority": request.authority,
    ":scheme": request.scheme,
  };
  if (body !== undefined) headers[PARTIAL] = String(body.partial);
  for (const [name, value] of headerEntries(request.headers)) {
    if (mayTell(config, name)) headers[name] = headers[name] === undefined ? value : `${headers[name]},${value}`;
  }
  const address = (ip: string, port: number) => ({
    address: {
      address: {
        case: "socketAddress" as const,
        value: { address: ip, portSpecifier: { case: "portValue" as const, value: port } },
      },
    },
  });
  const certificate = config.includeCertificate ? connection.tls?.peer?.certificate : undefined;
  const { service } = config;
  const server = service.kind === "grpc" ? service : { authority: service.cluster, metadata: [] };
  return grpcRequest(PATH, server, CheckRequestSchema, {
    attributes: {
      source: {
        ...address(connection.remote.ip, connection.remote.port),
        principal: connection.principal,
        certificate: certificate === undefined ? "" : encodeURIComponent(Buffer.from(certificate).toString("base64")),
      },
      destination: { ...address(connection.local.ip, connection.local.port), principal: connection.localUri },
      request: {
        time: { seconds: BigInt(Math.trunc(exchange.startTime / 1000)), nanos: (exchange.startTime % 1000) * 1e6 },
        http: {
          id: request.headers.get("x-request-id") ?? "",
          method: request.method,
          headers,
          path: request.path,
          host: request.authority,
          scheme: request.scheme,
          protocol: request.version === 20 ? "HTTP/2" : request.version === 10 ? "HTTP/1.0" : "HTTP/1.1",
          size: BigInt(request.headers.get("content-length") ?? -1),
          ...(body === undefined
            ? {}
            : config.body?.asBytes === true
              ? { rawBody: body.bytes }
              : { body: body.bytes.toString("utf8") }),
        },
      },
      contextExtensions: { ...context },
      metadataContext: { filterMetadata: objects(config.namespaces, (name) => call.metadata.get(name)) },
      routeMetadataContext: {
        filterMetadata: objects(config.routeNamespaces, (name) => exchange.route?.route.metadata?.[name]),
      },
      ...(config.includeSni ? { tlsSession: { sni: connection.sni } } : {}),
    },
  });
}

/** Metadata of the wanted names, where it is an object. */
function objects(names: readonly string[], find: (name: string) => JsonValue | undefined): Record<string, JsonObject> {
  const out: Record<string, JsonObject> = {};
  for (const name of names) {
    const value = find(name);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) out[name] = value;
  }
  return out;
}

/** The HTTP request that describes a request. */
export function httpCheck(config: ExtAuthzConfig, call: FilterCall, body: RequestBody | undefined): RequestHead {
  const { service } = config;
  const { request } = call;
  const head = createRequestHead();
  head.method = request.method;
  if (service.kind !== "http") return head;
  head.path = service.pathPrefix + request.path;
  head.authority = request.authority;
  for (const [name, value] of headerEntries(request.headers)) {
    const always = name === "authorization";
    if (name === "content-length" || name === "transfer-encoding" || name === "expect") continue;
    if (always || matchesAny(service.requestHeaders, name) || matchesAny(config.allowedHeaders, name))
      head.headers.append(name, value);
  }
  if (body !== undefined) head.headers.set(PARTIAL, String(body.partial));
  head.headers.set("content-length", String(body?.bytes.length ?? 0));
  head.headers.set("x-forwarded-for", call.clientIp());
  for (const [name, value] of service.headersToAdd) head.headers.set(name, value);
  return head;
}
