import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { writeMessage } from "@heddle/xds-api";
import { AdditionalAddressSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import type { Matcher } from "@heddle/xds-api/xds/type/matcher/v3/matcher";
import { type AccessLogConfig, decodeAccessLogs } from "./access-log.ts";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import { type ChainMatchConfig, decodeChainMatch } from "./chain-match.ts";
import { decodeDuration } from "./duration-field.ts";
import { fingerprint } from "./fingerprint.ts";
import { decodeListenerFilters, type ListenerFilterKind, type ProxyProtocolConfig } from "./listener-filters.ts";
import { decodeMatcher } from "./matcher/decode-matcher.ts";
import { inputsOf, type MatchTree } from "./matcher/match-tree.ts";
import { CHAIN_INPUTS } from "./matcher/matcher-inputs.ts";
import { decodeNetworkFilters, type NetworkFilterConfig } from "./network-filters.ts";
import {
  DownstreamTlsContextSchema,
  type FilterChain,
  FilterChainSchema,
  type Listener,
  ListenerSchema,
  RawBufferSchema,
  TrafficDirection,
} from "./proto.ts";
import { type ForeignMetadata, foreignMetadata, type ResourceSource, sourceOf } from "./resource-source.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { type ConfigAddress, decodeAddress } from "./socket-address.ts";
import { type DownstreamTlsConfig, decodeDownstreamTls } from "./tls-context.ts";

export interface FilterChainConfig {
  readonly name: string;
  readonly match: ChainMatchConfig;
  /** Undefined: plain text. */
  readonly tls: DownstreamTlsConfig | undefined;
  readonly filters: readonly NetworkFilterConfig[];
  /** Time for the TLS handshake; 0: the default. Units: ms. */
  readonly handshakeTimeoutMs: number;
  readonly source: ResourceSource;
  readonly metadata: ForeignMetadata;
  /** Equal for equal chains: an update of a listener leaves the connections of unchanged chains alone. */
  readonly fingerprint: string;
}

/** A matcher that leads to names of filter chains. */
export interface ChainTree {
  readonly tree: MatchTree<string>;
  readonly byName: ReadonlyMap<string, FilterChainConfig>;
  /** It asks for what a TLS or HTTP inspector finds. */
  readonly needsTls: boolean;
  readonly needsHttp: boolean;
}

export interface ListenerConfig {
  readonly name: string;
  readonly address: ConfigAddress;
  readonly extraAddresses: readonly ConfigAddress[];
  readonly bindToPort: boolean;
  /** Hand connections to the listener of their original destination. */
  readonly useOriginalDst: boolean;
  readonly direction: "inbound" | "outbound" | "unspecified";
  readonly listenerFilters: readonly ListenerFilterKind[];
  /** Undefined: connections begin without a PROXY header. */
  readonly proxyProtocol: ProxyProtocolConfig | undefined;
  /** What clients of TLS offer is kept as their fingerprints. */
  readonly ja3: boolean;
  readonly ja4: boolean;
  /** How long inspectors may wait for the first bytes; 0: for ever. Default: 15 s. Units: ms. */
  readonly inspectTimeoutMs: number;
  readonly continueOnTimeout: boolean;
  readonly chains: readonly FilterChainConfig[];
  readonly defaultChain: FilterChainConfig | undefined;
  /** Chooses a chain by its name instead of what the chains match. Undefined mostly. */
  readonly chainTree: ChainTree | undefined;
  /** Its connections may go beyond the process's connection limit. */
  readonly ignoresConnectionLimit: boolean;
  /** No overload action touches it. */
  readonly bypassesOverload: boolean;
  /** Replaces the address in the names of statistics; "": the address. */
  readonly statPrefix: string;
  /** A line for each connection, also for those that no chain serves. */
  readonly accessLogs: readonly AccessLogConfig[];
  readonly source: ResourceSource;
  readonly metadata: ForeignMetadata;
}

export const ADDITIONAL_ADDRESS_SHAPE = shape(
  AdditionalAddressSchema,
  ["address"],
  {},
  { socket_options: "the runtime gives no access to options of its sockets" },
);

export const LISTENER_SHAPE = shape(
  ListenerSchema,
  [
    "name",
    "address",
    "additional_addresses",
    "filter_chains",
    "filter_chain_matcher",
    "default_filter_chain",
    "use_original_dst",
    "listener_filters",
    "listener_filters_timeout",
    "continue_on_listener_filters_timeout",
    "traffic_direction",
    "bind_to_port",
    "deprecated_v1",
    "metadata",
    "stat_prefix",
    "ignore_global_conn_limit",
    "bypass_overload_manager",
    "access_log",
  ],
  {
    per_connection_buffer_limit_bytes: "how much memory Envoy gives to a connection's buffers",
    max_connections_to_accept_per_socket_event: "how Envoy's threads take turns at new connections",
    "enable_reuse_port reuse_port connection_balance_config": "how Envoy's threads share a port",
  },
  {
    tcp_backlog_size: "the runtime gives no access to it; the kernel's net.core.somaxconn counts",
    transparent: "the proxy does not take packets of foreign addresses; redirect them and use original_dst",
    "socket_options tcp_fast_open_queue_length enable_mptcp":
      "the runtime gives no access to these options of its sockets",
    udp_listener_config: "only TCP is served",
    "api_listener internal_listener": "every listener has an address",
  },
  {
    only: {
      freebind: { values: ["false"], reason: "the runtime gives no access to this option of its sockets" },
      drain_type: {
        values: ["DEFAULT"],
        reason: "listeners drain when they are replaced or removed and when the process ends",
      },
    },
    inside: { additional_addresses: ADDITIONAL_ADDRESS_SHAPE },
  },
);

export const FILTER_CHAIN_SHAPE = shape(
  FilterChainSchema,
  ["filter_chain_match", "filters", "metadata", "transport_socket", "transport_socket_connect_timeout", "name"],
  {},
  {
    use_proxy_proto: "use the listener filter proxy_protocol",
    on_demand_configuration: "chains are complete when they arrive",
  },
);

type DownstreamTransport = { readonly tls: DownstreamTlsConfig | undefined };

export const DOWNSTREAM_TRANSPORTS: AnyTable<DownstreamTransport> = {
  "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext": messageEntry(
    DownstreamTlsContextSchema,
    (message, scope) => ({
      tls: decodeDownstreamTls(message, scope),
    }),
  ),
  "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer": messageEntry(RawBufferSchema, () => ({
    tls: undefined,
  })),
};

/** Transport sockets of filter chains; for the reference. */
export const DOWNSTREAM_TRANSPORT_TYPES: readonly string[] = Object.keys(DOWNSTREAM_TRANSPORTS);

const DEFAULT_INSPECT_TIMEOUT_MS = 15_000;

export function decodeListener(message: Listener, scope: DecodeScope): ListenerConfig | undefined {
  checkShape(LISTENER_SHAPE, message, scope);
  const address = decodeAddress(message.address, scope.field("address"));
  const extraAddresses: ConfigAddress[] = [];
  message.additionalAddresses.forEach((extra, i) => {
    const decoded = decodeAddress(extra.address, scope.field("additional_addresses").item(i).field("address"));
    if (decoded !== undefined) extraAddresses.push(decoded);
  });
  const listenerFilters = decodeListenerFilters(message.listenerFilters, scope.field("listener_filters"));
  const chains = message.filterChains.map((chain, i) => decodeChain(chain, scope.field("filter_chains").item(i)));
  const defaultChain =
    message.defaultFilterChain === undefined
      ? undefined
      : decodeChain(message.defaultFilterChain, scope.field("default_filter_chain"));
  if (chains.length === 0 && defaultChain === undefined)
    scope.problem("a listener needs filter_chains or default_filter_chain");
  const matcher = message.filterChainMatcher;
  const chainTree = matcher && decodeChainTree(matcher, chains, scope);
  if (address === undefined) return undefined;
  return {
    name: message.name,
    address,
    extraAddresses,
    bindToPort: message.bindToPort ?? message.deprecatedV1?.bindToPort ?? true,
    useOriginalDst: message.useOriginalDst ?? false,
    direction:
      message.trafficDirection === TrafficDirection.INBOUND
        ? "inbound"
        : message.trafficDirection === TrafficDirection.OUTBOUND
          ? "outbound"
          : "unspecified",
    listenerFilters: listenerFilters.kinds,
    proxyProtocol: listenerFilters.proxyProtocol,
    ja3: listenerFilters.ja3,
    ja4: listenerFilters.ja4,
    inspectTimeoutMs:
      decodeDuration(message.listenerFiltersTimeout, scope.field("listener_filters_timeout")) ??
      DEFAULT_INSPECT_TIMEOUT_MS,
    continueOnTimeout: message.continueOnListenerFiltersTimeout,
    chains,
    defaultChain,
    chainTree,
    ignoresConnectionLimit: message.ignoreGlobalConnLimit,
    bypassesOverload: message.bypassOverloadManager,
    statPrefix: message.statPrefix,
    accessLogs: decodeAccessLogs(message.accessLog, scope.field("access_log")),
    source: sourceOf(message.metadata),
    metadata: foreignMetadata(message.metadata),
  };
}

const CHAIN_NAMES: AnyTable<string> = {
  [StringValueSchema.typeName]: messageEntry(StringValueSchema, ({ value }) => value),
};

/** What chains match by themselves has no effect beside it. Errors: chains without a name of their own. Source: Envoy. */
function decodeChainTree(
  message: Matcher,
  chains: readonly FilterChainConfig[],
  scope: DecodeScope,
): ChainTree | undefined {
  const byName = new Map<string, FilterChainConfig>();
  chains.forEach((chain, i) => {
    const at = scope.field("filter_chains").item(i).field("name");
    if (chain.name === "") at.problem("a filter_chain_matcher needs a name for each chain");
    else if (byName.has(chain.name)) at.problem(`${chain.name} stands twice; a filter_chain_matcher chooses by name`);
    byName.set(chain.name, chain);
  });
  const place = { inputs: CHAIN_INPUTS, actions: CHAIN_NAMES };
  const tree = decodeMatcher(message, place, scope.field("filter_chain_matcher"));
  if (tree === undefined) return undefined;
  const asked = new Set([...inputsOf(tree)].map(({ kind }) => kind));
  const needsHttp = asked.has("application-protocol");
  return {
    tree,
    byName,
    needsTls: needsHttp || asked.has("server-name") || asked.has("transport-protocol"),
    needsHttp,
  };
}

function decodeChain(message: FilterChain, scope: DecodeScope): FilterChainConfig {
  checkShape(FILTER_CHAIN_SHAPE, message, scope);
  let tls: DownstreamTlsConfig | undefined;
  if (message.transportSocket !== undefined) {
    const at = scope.field("transport_socket.typed_config");
    tls = decodeAny(message.transportSocket.configType.value, DOWNSTREAM_TRANSPORTS, at)?.tls;
  }
  return {
    name: message.name,
    match: decodeChainMatch(message.filterChainMatch, scope.field("filter_chain_match")),
    tls,
    filters: decodeNetworkFilters(message.filters, scope.field("filters")),
    handshakeTimeoutMs:
      decodeDuration(message.transportSocketConnectTimeout, scope.field("transport_socket_connect_timeout")) ?? 0,
    source: sourceOf(message.metadata),
    metadata: foreignMetadata(message.metadata),
    fingerprint: fingerprint(writeMessage(FilterChainSchema, message)),
  };
}
