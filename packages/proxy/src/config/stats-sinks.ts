import {
  DogStatsdSinkSchema,
  type StatsdSink,
  StatsdSinkSchema,
  type StatsSink,
} from "@heddle/xds-api/envoy/config/metrics/v3/stats";
import type { SocketAddress } from "../transport/address.ts";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import type { Address } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { decodeAddress } from "./socket-address.ts";
import { type MetricsServiceConfig, type OtlpStatsConfig, STATS_SERVICES } from "./stats-services.ts";

/** Where statistics are written to, in StatsD's lines. */
export interface StatsdConfig {
  readonly kind: "statsd";
  readonly to:
    | { readonly kind: "udp"; readonly address: SocketAddress }
    | { readonly kind: "tcp"; readonly cluster: string };
  /** Before each name, without its dot. Default: envoy. */
  readonly prefix: string;
  /** Labels stand behind the value, not inside the name. */
  readonly dog: boolean;
  /** Lines of one datagram; 0: one line each. Units: bytes. */
  readonly datagramBytes: number;
}

/** Envoy's defaults for a server that takes datagrams. */
export function udpStatsd(address: SocketAddress): StatsdConfig {
  return { kind: "statsd", to: { kind: "udp", address }, prefix: "envoy", dog: false, datagramBytes: 0 };
}

export const STATSD_SHAPE = shape(StatsdSinkSchema, ["address", "tcp_cluster_name", "prefix"]);
export const DOG_STATSD_SHAPE = shape(DogStatsdSinkSchema, ["address", "prefix", "max_bytes_per_datagram"]);

/** Where statistics are sent. */
export type StatsSinkConfig = StatsdConfig | OtlpStatsConfig | MetricsServiceConfig;

export const STATS_SINKS: AnyTable<StatsSinkConfig> = {
  [StatsdSinkSchema.typeName]: messageEntry(StatsdSinkSchema, (message, scope): StatsdConfig | undefined => {
    checkShape(STATSD_SHAPE, message, scope);
    const to = decodeTarget(message, scope);
    return to && { kind: "statsd", to, prefix: message.prefix || "envoy", dog: false, datagramBytes: 0 };
  }),
  [DogStatsdSinkSchema.typeName]: messageEntry(DogStatsdSinkSchema, (message, scope): StatsdConfig | undefined => {
    checkShape(DOG_STATSD_SHAPE, message, scope);
    const to = udpTarget(message.dogStatsdSpecifier.value, scope.field("address"));
    const datagramBytes = Number(message.maxBytesPerDatagram ?? 0n);
    return to && { kind: "statsd", to, prefix: message.prefix || "envoy", dog: true, datagramBytes };
  }),
  ...STATS_SERVICES,
};

/** Sinks that the proxy has; for the reference. */
export const STATS_SINK_TYPES: readonly string[] = Object.keys(STATS_SINKS);

/** Errors: other sinks, such as hystrix. */
export function decodeStatsSinks(messages: readonly StatsSink[], scope: DecodeScope): readonly StatsSinkConfig[] {
  const sinks: StatsSinkConfig[] = [];
  messages.forEach((message, i) => {
    const sink = decodeAny(message.configType.value, STATS_SINKS, scope.item(i).field("typed_config"));
    if (sink !== undefined) sinks.push(sink);
  });
  return sinks;
}

function decodeTarget(message: StatsdSink, scope: DecodeScope): StatsdConfig["to"] | undefined {
  const { statsdSpecifier: specifier } = message;
  if (specifier.case === "address") return udpTarget(specifier.value, scope.field("address"));
  if (specifier.case === "tcpClusterName" && specifier.value !== "") return { kind: "tcp", cluster: specifier.value };
  scope.problem("a StatsD sink needs address (UDP) or tcp_cluster_name");
  return undefined;
}

function udpTarget(message: Address | undefined, scope: DecodeScope): StatsdConfig["to"] | undefined {
  const decoded = decodeAddress(message, scope);
  if (decoded === undefined) return undefined;
  if (decoded.kind === "tcp" && decoded.numeric) return { kind: "udp", address: decoded.address };
  scope.problem("a StatsD sink needs a socket_address with a numeric address; use tcp_cluster_name for a name");
  return undefined;
}
