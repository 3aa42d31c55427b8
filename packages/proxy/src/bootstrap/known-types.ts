import { createRegistry, type DescMessage, type Registry } from "@bufbuild/protobuf";
import { ACCESS_LOGS } from "../config/access-log.ts";
import type { AnyTable } from "../config/any-field.ts";
import { UPSTREAM_TRANSPORTS } from "../config/cluster.ts";
import { TYPED_CLUSTERS } from "../config/cluster-type.ts";
import { ROUTE_FILTERS } from "../config/filters/per-route.ts";
import { HTTP_FILTERS } from "../config/http-filters.ts";
import { DOWNSTREAM_TRANSPORTS } from "../config/listener.ts";
import { LISTENER_FILTERS } from "../config/listener-filters.ts";
import { LB_CONFIGS } from "../config/load-balancing.ts";
import { NETWORK_FILTERS } from "../config/network-filters.ts";
import * as proto from "../config/proto.ts";
import { STATS_SINKS } from "../config/stats-sinks.ts";
import { TRACE_PROVIDERS } from "../config/trace-provider.ts";

const TABLES: readonly AnyTable<unknown>[] = [
  ACCESS_LOGS,
  DOWNSTREAM_TRANSPORTS,
  HTTP_FILTERS,
  LB_CONFIGS,
  LISTENER_FILTERS,
  NETWORK_FILTERS,
  ROUTE_FILTERS,
  STATS_SINKS,
  TRACE_PROVIDERS,
  TYPED_CLUSTERS,
  UPSTREAM_TRANSPORTS,
];

/**
 * The messages that our decoders read. Enough for nearly every bootstrap that we can serve, and smaller by megabytes than the registry of
 * every Envoy message, which only a message about an unknown one needs.
 */
export function knownTypes(): Registry {
  const exported: readonly unknown[] = Object.values(proto);
  const extensions = TABLES.flatMap((table) => Object.values(table)).flatMap((entry) =>
    entry.kind === "message" ? [entry.schema] : [],
  );
  return createRegistry(...exported.filter(isMessage), ...extensions);
}

function isMessage(value: unknown): value is DescMessage {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "message";
}
