// Hot path: once per response.
import { HEADER_ID, type ResponseHead } from "@heddle/wire";
import type { HttpManager } from "./connection-manager.ts";
import { exchangeValues } from "./exchange-values.ts";
import type { ForwardedExchange } from "./forward-request.ts";
import { addHeaders } from "./header-values.ts";
import { writeProxyStatus } from "./proxy-status.ts";

const PEER_METADATA = HEADER_ID["x-envoy-peer-metadata"];
const PEER_METADATA_ID = HEADER_ID["x-envoy-peer-metadata-id"];
const SERVICE_TIME = HEADER_ID["x-envoy-upstream-service-time"];
const SERVER = HEADER_ID.server;
const VIA = HEADER_ID.via;
const DATE = HEADER_ID.date;
const X_REQUEST_ID = HEADER_ID["x-request-id"];
const ATTEMPT_COUNT = HEADER_ID["x-envoy-attempt-count"];

/** Sets what routers and connection managers set on responses. Source: Envoy `mutateResponseHeaders`, router. */
export function prepareResponse(
  manager: HttpManager,
  exchange: ForwardedExchange,
  head: ResponseHead,
  serviceMs: number,
): void {
  const { headers } = head;
  if (manager.exchange !== undefined) {
    if (exchange.connection.direction !== "inbound") {
      if (headers.hasId(PEER_METADATA_ID)) {
        exchange.peerMetadataId = headers.getId(PEER_METADATA_ID) ?? "";
        exchange.peerMetadata = headers.getId(PEER_METADATA) ?? "";
        headers.removeId(PEER_METADATA_ID);
        headers.removeId(PEER_METADATA);
      }
    } else if (exchange.peerMetadataId !== "") {
      // Only who introduced itself gets an introduction back.
      headers.setId(PEER_METADATA_ID, manager.exchange.id);
      headers.setId(PEER_METADATA, manager.exchange.metadata);
    }
  }
  if (manager.config.envoyHeaders) headers.setId(SERVICE_TIME, String(Math.trunc(serviceMs)));
  finish(manager, exchange, head, false, false);
}

/** The same for an answer of the proxy itself. */
export function prepareLocalResponse(
  manager: HttpManager,
  exchange: ForwardedExchange,
  head: ResponseHead,
  bare: boolean,
  uncounted: boolean,
): void {
  finish(manager, exchange, head, true, bare, uncounted);
}

function finish(
  manager: HttpManager,
  exchange: ForwardedExchange,
  head: ResponseHead,
  local: boolean,
  bare: boolean,
  uncounted = false,
): void {
  const { headers } = head;
  const { config } = manager;
  const levels = bare ? undefined : exchange.route?.mutations;
  if (levels !== undefined && levels.length > 0) {
    const values = exchangeValues(exchange);
    for (let i = 0; i < levels.length; i++) {
      const level = levels[i];
      if (level === undefined) continue;
      for (const name of level.responseRemove) headers.remove(name);
      addHeaders(level.responseAdd, headers, values);
    }
  }
  if (config.serverHeader === "overwrite" || local) headers.setId(SERVER, config.serverName);
  else if (config.serverHeader === "append-if-absent" && !headers.hasId(SERVER))
    headers.appendId(SERVER, config.serverName);
  if (config.via !== "") {
    const before = headers.getAll("via");
    headers.setId(VIA, before === undefined ? config.via : `${before}, ${config.via}`);
  }
  if (!headers.hasId(DATE)) headers.appendId(DATE, manager.httpDate());
  manager.tracer?.answer(exchange, headers);
  if (config.requestIdInResponse) {
    const id = exchange.request.headers.getId(X_REQUEST_ID);
    if (id !== undefined) headers.setId(X_REQUEST_ID, id);
  }
  if (exchange.route?.host.attemptCountInResponse === true && exchange.attempts > 0 && !uncounted)
    headers.setId(ATTEMPT_COUNT, String(exchange.attempts));
  if (config.proxyStatus !== undefined && exchange.flags !== "-")
    writeProxyStatus(config.proxyStatus, exchange, head, manager.nodeId);
}
