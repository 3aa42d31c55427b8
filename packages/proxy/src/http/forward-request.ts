// Hot path: once per forwarded request.
import type { JsonValue } from "@bufbuild/protobuf";
import { HEADER_ID, type RequestHead } from "@heddle/wire";
import type { HeaderMutations } from "../config/header-mutation.ts";
import type { HttpManagerConfig } from "../config/http-manager.ts";
import type { ConnectConfig, ForwardAction } from "../config/route-action.ts";
import { subsetKeyWith } from "../config/subset-key.ts";
import { chooseCluster, chooseWeighted } from "../router/cluster-choice.ts";
import { hashRequest, missingCookie } from "../router/host-criteria.ts";
import { rewritePath } from "../router/rewrite.ts";
import type { CompiledRoute } from "../router/route-table.ts";
import type { HostCriteria } from "../upstream/cluster.ts";
import { hash64 } from "../upstream/consistent-hash.ts";
import type { Host } from "../upstream/host.ts";
import type { HttpManager } from "./connection-manager.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import { exchangeValues } from "./exchange-values.ts";
import { addHeaders } from "./header-values.ts";

const PEER_METADATA = HEADER_ID["x-envoy-peer-metadata"];
const PEER_METADATA_ID = HEADER_ID["x-envoy-peer-metadata-id"];
const EXPECTED_TIMEOUT = HEADER_ID["x-envoy-expected-rq-timeout-ms"];
const ATTEMPT_COUNT = HEADER_ID["x-envoy-attempt-count"];
const ORIGINAL_PATH = HEADER_ID["x-envoy-original-path"];

/** A record whose peer is filled in here. */
export interface ForwardedExchange extends ExchangeRecord {
  peerMetadataId: string;
  peerMetadata: string;
  /** What the choice of the host depends on; undefined: nothing. */
  criteria: HostCriteria | undefined;
  /** A cookie that the client gets so that it comes back to the same host; "": none. */
  setCookie: string;
}

/** Applies the route to the request and returns the name of its cluster. Source: Envoy `RouteEntryImplBase::finalizeRequestHeaders`. */
export function forwardRequest(
  exchange: ForwardedExchange,
  route: CompiledRoute,
  action: ForwardAction,
  manager: HttpManager,
): string {
  const request = exchange.request;
  const { headers } = request;
  const inbound = exchange.connection.direction === "inbound";
  if (manager.exchange !== undefined) {
    if (inbound && headers.hasId(PEER_METADATA_ID)) {
      // What the caller's proxy says of itself is for us only.
      exchange.peerMetadataId = headers.getId(PEER_METADATA_ID) ?? "";
      exchange.peerMetadata = headers.getId(PEER_METADATA) ?? "";
      headers.removeId(PEER_METADATA_ID);
      headers.removeId(PEER_METADATA);
    }
  }
  if (action.selective) selectHosts(exchange, action, manager);
  const { envoyHeaders } = manager.config;
  if (action.timeoutMs > 0 && envoyHeaders) headers.setId(EXPECTED_TIMEOUT, String(action.timeoutMs));
  const cluster = applyWeights(exchange, action, manager);
  const { metadata } = exchange;
  if (metadata !== undefined) selectByMetadata(exchange, metadata.get("envoy.lb"));
  if (route.mutations.length > 0) applyMutations(exchange, route.mutations);
  if (action.pathRewrite !== undefined) {
    if (envoyHeaders) headers.setId(ORIGINAL_PATH, request.path);
    request.path = rewritePath(route.route, action, request.path);
  }
  if (action.hostRewrite !== undefined) rewriteHost(request, action, envoyHeaders);
  return cluster;
}

/** Whether a request stays within its protocol, or the route or the connection manager lets it switch. */
export function mayUpgrade(action: ForwardAction, config: HttpManagerConfig, request: RequestHead): boolean {
  if (request.protocol === "" && request.method !== "CONNECT") return true;
  const token = request.method === "CONNECT" ? "connect" : request.protocol.toLowerCase();
  return action.upgrades.get(token) ?? config.upgrades.get(token) ?? false;
}

/** Whether the body of a request goes on as raw TCP. Source: Envoy `connect_config`. */
export function endsTunnel(connect: ConnectConfig, request: RequestHead): boolean {
  return request.method === "CONNECT" || (connect.allowPost && request.method === "POST");
}

/** What depends on the chosen endpoint and its connection; runs again for each try. `inMesh`: the server proved an identity of a mesh. `afterTimeout`: undefined for the first. */
export function adaptToUpstream(
  exchange: ForwardedExchange,
  action: ForwardAction | undefined,
  host: Host,
  inMesh: boolean,
  afterTimeout: boolean | undefined,
  manager: HttpManager,
): void {
  const { request } = exchange;
  exchange.span?.beforeTry(request.headers, host);
  const virtualHost = exchange.route?.host;
  if (virtualHost?.attemptCountInRequest === true) request.headers.setId(ATTEMPT_COUNT, String(exchange.attempts));
  if (afterTimeout !== undefined && virtualHost?.timeoutRetryInRequest === true)
    request.headers.set("x-envoy-is-timeout-retry", String(afterTimeout));
  const self = manager.exchange;
  if (self !== undefined && exchange.connection.direction !== "inbound") {
    const { headers } = request;
    if (inMesh) {
      headers.setId(PEER_METADATA_ID, self.id);
      headers.setId(PEER_METADATA, self.metadata);
    } else if (headers.hasId(PEER_METADATA_ID)) {
      // Peers outside the mesh learn nothing of us.
      headers.removeId(PEER_METADATA_ID);
      headers.removeId(PEER_METADATA);
    }
  }
  if (action?.hostRewrite?.kind === "auto" && host.hostname !== "") request.authority = host.hostname;
}

/** What the connection to the upstream offers instead of its cluster's protocols; undefined: no change. */
export function upstreamAlpn(
  exchange: ExchangeRecord,
  http2: boolean,
  manager: HttpManager,
): readonly string[] | undefined {
  const { request, connection } = exchange;
  if (connection.upstreamAlpn !== undefined) return connection.upstreamAlpn;
  if (manager.upstreamAlpn === undefined || switchedOff(exchange.route, manager.upstreamAlpnFilter)) return undefined;
  // A tunnel takes the whole HTTP/1.1 connection.
  if (http2 || request.protocol !== "" || request.method === "CONNECT") return manager.upstreamAlpn;
  return manager.multiplexAlpn ?? manager.upstreamAlpn;
}

/** Whether the most specific level of the route that says anything of a filter switches it off. */
function switchedOff(route: CompiledRoute | undefined, filter: string): boolean {
  if (route === undefined) return false;
  const said =
    route.clusterFilters?.get(filter) ??
    route.route.filters?.get(filter) ??
    route.host.filters?.get(filter) ??
    route.table.filters?.get(filter);
  return said?.disabled === true;
}

function selectHosts(exchange: ForwardedExchange, action: ForwardAction, manager: HttpManager): void {
  const { request, connection } = exchange;
  let hash: bigint | undefined;
  if (action.hash.length > 0) {
    const clientIp = exchange.forwardedIp ?? connection.remote.ip;
    const { filterState } = exchange;
    hash = hashRequest(
      action.hash,
      request,
      clientIp,
      (key) => filterState?.get(key) ?? connection.filterState?.get(key),
    );
    const cookie = missingCookie(action.hash, request);
    if (cookie?.kind === "cookie") {
      // Counts for this request as if the client had sent it.
      const value = hash64(manager.uuid()).toString(16).padStart(16, "0");
      const age = cookie.ttlSeconds === undefined || cookie.ttlSeconds === 0 ? "" : `; Max-Age=${cookie.ttlSeconds}`;
      const path = cookie.path === "" ? "" : `; Path=${cookie.path}`;
      exchange.setCookie = `${cookie.name}="${value}"${age}${path}${cookie.attributes}; HttpOnly`;
      hash ??= hash64(value);
    }
  }
  exchange.criteria = { hash, subset: action.subset, original: undefined };
}

/** What filters left for balancing chooses hosts as a route's `metadata_match` does. Source: Envoy's router, `envoy.lb`. */
function selectByMetadata(exchange: ForwardedExchange, labels: JsonValue | undefined): void {
  if (typeof labels !== "object" || labels === null || Array.isArray(labels)) return;
  const { hash, subset, original } = exchange.criteria ?? NO_CRITERIA;
  exchange.criteria = { hash, subset: subsetKeyWith(subset, labels), original };
}

const NO_CRITERIA: HostCriteria = { hash: undefined, subset: undefined, original: undefined };

function applyWeights(exchange: ForwardedExchange, action: ForwardAction, manager: HttpManager): string {
  const { choice } = action;
  if (choice.kind !== "weighted") return chooseCluster(choice, exchange.request, manager.random) ?? "";
  const item = chooseWeighted(choice, exchange.request, manager.random);
  if (item.mutations !== undefined) applyMutations(exchange, [item.mutations]);
  if (item.subset !== undefined)
    exchange.criteria = { hash: exchange.criteria?.hash, subset: item.subset, original: undefined };
  if (item.hostRewrite !== undefined) exchange.request.authority = item.hostRewrite;
  return item.clusterHeader === "" ? item.cluster : (exchange.request.headers.get(item.clusterHeader) ?? "");
}

function applyMutations(exchange: ExchangeRecord, levels: readonly HeaderMutations[]): void {
  const { headers } = exchange.request;
  const values = exchangeValues(exchange);
  for (const level of levels) {
    // Read as long as the headers still name the client.
    if (level.namesClient) void exchange.forwardedIp;
    for (const name of level.requestRemove) headers.remove(name);
    addHeaders(level.requestAdd, headers, values);
  }
}

function rewriteHost(request: RequestHead, action: ForwardAction, envoyHeaders: boolean): void {
  const rewrite = action.hostRewrite;
  if (rewrite === undefined) return;
  const before = request.authority;
  switch (rewrite.kind) {
    case "literal":
      request.authority = rewrite.text;
      break;
    case "header":
      request.authority = request.headers.get(rewrite.name) ?? before;
      break;
    case "path-regex":
      request.authority = rewrite.rewrite.apply(request.path);
      break;
    case "auto":
      // Done when the host is known.
      break;
  }
  if (request.authority === before) return;
  if (envoyHeaders) request.headers.set("x-envoy-original-host", before);
  if (action.appendForwardedHost) request.headers.append("x-forwarded-host", before);
}
