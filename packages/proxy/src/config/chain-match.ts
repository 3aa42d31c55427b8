import type { Cidr } from "@heddle/std";
import { type FilterChainMatch, FilterChainMatch_ConnectionSourceType, FilterChainMatchSchema } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { decodeCidr } from "./socket-address.ts";

/** Conditions of a filter chain; empty lists and undefined match everything. */
export interface ChainMatchConfig {
  readonly destinationPort: number | undefined;
  readonly destinations: readonly Cidr[];
  /** Lower case; `*.` prefixes are kept. */
  readonly serverNames: readonly string[];
  /** `tls`, `raw_buffer` or "". */
  readonly transportProtocol: string;
  readonly applicationProtocols: readonly string[];
  readonly directSources: readonly Cidr[];
  readonly sourceType: "any" | "local" | "external";
  readonly sources: readonly Cidr[];
  readonly sourcePorts: readonly number[];
}

export const CHAIN_MATCH_SHAPE = shape(
  FilterChainMatchSchema,
  [
    "destination_port",
    "prefix_ranges",
    "server_names",
    "transport_protocol",
    "application_protocols",
    "direct_source_prefix_ranges",
    "source_type",
    "source_prefix_ranges",
    "source_ports",
  ],
  {},
  { "address_suffix suffix_len": "Envoy does not implement them either; use prefix_ranges" },
);

export const MATCH_ALL: ChainMatchConfig = {
  destinationPort: undefined,
  destinations: [],
  serverNames: [],
  transportProtocol: "",
  applicationProtocols: [],
  directSources: [],
  sourceType: "any",
  sources: [],
  sourcePorts: [],
};

export function decodeChainMatch(message: FilterChainMatch | undefined, scope: DecodeScope): ChainMatchConfig {
  if (message === undefined) return MATCH_ALL;
  checkShape(CHAIN_MATCH_SHAPE, message, scope);
  const cidrs = (name: string, list: typeof message.prefixRanges): Cidr[] => {
    const out: Cidr[] = [];
    list.forEach((range, i) => {
      const cidr = decodeCidr(range, scope.field(name).item(i));
      if (cidr !== undefined) out.push(cidr);
    });
    return out;
  };
  return {
    destinationPort: message.destinationPort,
    destinations: cidrs("prefix_ranges", message.prefixRanges),
    serverNames: message.serverNames.map((name) => name.toLowerCase()),
    transportProtocol: message.transportProtocol,
    applicationProtocols: message.applicationProtocols,
    directSources: cidrs("direct_source_prefix_ranges", message.directSourcePrefixRanges),
    sourceType:
      message.sourceType === FilterChainMatch_ConnectionSourceType.SAME_IP_OR_LOOPBACK
        ? "local"
        : message.sourceType === FilterChainMatch_ConnectionSourceType.EXTERNAL
          ? "external"
          : "any",
    sources: cidrs("source_prefix_ranges", message.sourcePrefixRanges),
    sourcePorts: message.sourcePorts,
  };
}
