// Hot path: once per request.
import { normalizePath } from "@heddle/std";
import { HEADER_ID, type HeaderList, HTTP_1_0, type RequestHead } from "@heddle/wire";
import type { HttpManagerConfig } from "../config/http-manager.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import { withoutPort } from "../router/route-table.ts";
import { isLoopback } from "../transport/address.ts";
import { clientIpOf } from "./client-address.ts";
import { forwardClientCert } from "./client-cert-header.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import { exchangeValues } from "./exchange-values.ts";
import { applySteps } from "./header-values.ts";
import { isInternal } from "./internal-request.ts";
import { dropOutsiderHeaders } from "./outsider-headers.ts";

const X_FORWARDED_PROTO = HEADER_ID["x-forwarded-proto"];
const X_FORWARDED_FOR = HEADER_ID["x-forwarded-for"];
const X_REQUEST_ID = HEADER_ID["x-request-id"];
const X_ENVOY_INTERNAL = HEADER_ID["x-envoy-internal"];
const X_ENVOY_EXTERNAL_ADDRESS = HEADER_ID["x-envoy-external-address"];
const VIA = HEADER_ID.via;

/** False when a name with an underscore must be refused: some servers take `_` for `-`. */
function checkUnderscores(headers: HeaderList, drop: boolean): boolean {
  for (let i = 0; i < headers.length; i++) {
    if (!headers.nameAt(i).includes("_")) continue;
    if (!drop) return false;
    headers.removeAt(i);
  }
  return true;
}

/** Why a request goes no further. */
export type Refusal = "path-refused" | "path-redirected" | "no-host";

/** Sets what a connection manager sets on requests. Returns why the request must be answered here; undefined: it goes on. Source: Envoy `ConnectionManagerUtility::mutateRequestHeaders`. */
export function prepareRequest(
  config: HttpManagerConfig,
  info: ConnectionInfo,
  request: RequestHead,
  uuid: () => string,
  record?: ExchangeRecord,
): Refusal | undefined {
  const { headers } = request;
  if (config.earlyMutations !== undefined && record !== undefined)
    applySteps(config.earlyMutations, headers, exchangeValues(record));
  const { internalAddresses } = config;
  const internal = internalAddresses !== undefined && isInternal(internalAddresses, config, info, headers);
  // Who is inside is found out here; nobody may claim it.
  if (internal) headers.setId(X_ENVOY_INTERNAL, "true");
  else dropOutsiderHeaders(headers, config.useRemoteAddress);
  if (request.authority === "") {
    request.authority = config.http1.defaultHost;
    // Requests of HTTP/1.1 without Host are refused by the codec.
    if (request.authority === "" && request.version === HTTP_1_0) return "no-host";
  }
  if (config.useRemoteAddress) {
    if (!config.skipXffAppend) {
      const before = headers.getAll("x-forwarded-for");
      const client = isLoopback(info.remote.ip) ? config.ownIp : info.remote.ip;
      headers.setId(X_FORWARDED_FOR, before === undefined ? client : `${before},${client}`);
    }
    if (!internal) headers.setId(X_ENVOY_EXTERNAL_ADDRESS, clientIpOf(config, info, request));
    // A trusted proxy in front knows what the client spoke.
    if (config.trustedHops === 0 || !headers.hasId(X_FORWARDED_PROTO))
      headers.setId(X_FORWARDED_PROTO, info.tls === undefined ? "http" : "https");
  } else if (!headers.hasId(X_FORWARDED_PROTO)) {
    headers.appendId(X_FORWARDED_PROTO, info.tls === undefined ? "http" : "https");
  }
  if (config.generateRequestId) {
    const keep = internal || !config.useRemoteAddress || config.preserveExternalRequestId;
    if (!keep || !headers.hasId(X_REQUEST_ID)) headers.setId(X_REQUEST_ID, uuid());
  }
  if (config.schemeOverwrite !== undefined) {
    request.scheme = config.schemeOverwrite;
    headers.setId(X_FORWARDED_PROTO, config.schemeOverwrite);
  }
  if (config.appendForwardedPort && !headers.has("x-forwarded-port"))
    headers.append("x-forwarded-port", String(info.local.port));
  if (config.underscores !== "allow" && !checkUnderscores(headers, config.underscores === "drop"))
    return "path-refused";
  forwardClientCert(config, info, headers);
  if (config.via !== "") {
    const before = headers.getAll("via");
    headers.setId(VIA, before === undefined ? config.via : `${before}, ${config.via}`);
  }
  if (config.stripPort !== "none") {
    const bare = withoutPort(request.authority);
    if (config.stripPort === "any" || request.authority === `${bare}:${info.local.port}`) request.authority = bare;
  }
  if (config.stripTrailingDot && request.authority.endsWith(".")) request.authority = request.authority.slice(0, -1);
  if (config.normalizePath || config.mergeSlashes || config.escapedSlashes !== "keep") {
    const path = normalizePath(request.path, config);
    if (path === undefined) return "path-refused";
    const unescaped = config.escapedSlashes === "redirect" && hasEscapedSlash(request.path);
    request.path = path;
    if (unescaped) return "path-redirected";
  }
  return undefined;
}

function hasEscapedSlash(path: string): boolean {
  return /^[^?]*%(?:2f|5c)/i.test(path);
}
