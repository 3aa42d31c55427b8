import type { HttpFilterConfig } from "../config/http-filters.ts";
import { compressorPrefix } from "./compressor-filter.ts";
import { decompressorPrefix } from "./decompressor-filter.ts";
import { isLayered, layeredStats } from "./layered-filters.ts";
import { statPrefix } from "./stat-prefix.ts";

/** Names of what a filter counts: behind its connection manager's name, and alone. Source: Envoy's statistics of each filter. */
export interface FilterStats {
  readonly own: readonly string[];
  readonly alone: readonly string[];
}

/** What connection managers count of their tracing, on or off. */
export const TRACING_STATS: readonly string[] = [
  "tracing.random_sampling",
  "tracing.service_forced",
  "tracing.client_enabled",
  "tracing.not_traceable",
  "tracing.health_check",
];

const COMPRESSED = [
  "compressed",
  "not_compressed",
  "total_uncompressed_bytes",
  "total_compressed_bytes",
  "content_length_too_small",
];
const CHOSEN = [
  "no_accept_header",
  "header_identity",
  "header_compressor_used",
  "header_compressor_overshadowed",
  "header_wildcard",
  "header_not_valid",
  "not_compressed_etag",
];
const DECOMPRESSED = ["decompressed", "not_decompressed", "total_uncompressed_bytes", "total_compressed_bytes"];
const LIBRARY_ERRORS = {
  gzip: ["errno", "stream_error", "data_error", "mem_error", "buf_error", "version_error"].map(
    (name) => `zlib_${name}`,
  ),
  br: ["brotli_error", "brotli_output_overflow", "brotli_redundant_input"],
  zstd: ["generic_error", "dictionary_error", "checksum_wrong_error", "memory_error"].map((name) => `zstd_${name}`),
};

const LIMIT = ["enabled", "enforced", "rate_limited", "ok"];

const PROCESSOR = [
  "clear_route_cache_disabled",
  "clear_route_cache_ignored",
  "clear_route_cache_upstream_ignored",
  "failure_mode_allowed",
  "http_not_ok_resp_received",
  "immediate_responses_sent",
  "message_timeouts",
  "override_message_timeout_ignored",
  "override_message_timeout_received",
  "rejected_header_mutations",
  "server_half_closed",
  "spurious_msgs_received",
  "stream_msgs_received",
  "stream_msgs_sent",
  "streams_closed",
  "streams_failed",
  "streams_started",
];

/** Names that are there from the beginning, at zero. */
export function filterStats(config: HttpFilterConfig): FilterStats {
  if (isLayered(config)) return layeredStats(config);
  switch (config.kind) {
    case "cors":
      return { own: ["cors.origin_valid", "cors.origin_invalid"], alone: [] };
    case "fault":
      return {
        own: ["fault.aborts_injected", "fault.delays_injected", "fault.faults_overflow", "fault.response_rl_injected"],
        alone: [],
      };
    case "rbac": {
      const [rulesPrefix, shadowPrefix] = [statPrefix(config.rulesPrefix), statPrefix(config.shadowPrefix)];
      const own = [`rbac.${rulesPrefix}allowed`, `rbac.${rulesPrefix}denied`];
      return { own: [...own, `rbac.${shadowPrefix}shadow_allowed`, `rbac.${shadowPrefix}shadow_denied`], alone: [] };
    }
    case "jwt-authn":
      return { own: ["jwt_authn.allowed", "jwt_authn.denied"], alone: [] };
    case "ext-authz": {
      const names = ["ok", "denied", "error", "disabled", "failure_mode_allowed", "invalid"];
      return { own: names.map((name) => `ext_authz.${config.statPrefix}${name}`), alone: [] };
    }
    case "ext-proc":
      return { own: PROCESSOR.map((name) => `ext_proc.${config.statPrefix}${name}`), alone: [] };
    case "local-rate-limit":
      return { own: [], alone: LIMIT.map((name) => `${config.statPrefix}http_local_rate_limit.${name}`) };
    case "compressor": {
      const ways = ["request.", config.responseStat];
      const names = [...ways.flatMap((way) => COMPRESSED.map((name) => way + name)), ...CHOSEN];
      return { own: names.map((name) => compressorPrefix(config) + name), alone: [] };
    }
    case "decompressor": {
      const ways = ["request.", "response."].flatMap((way) => DECOMPRESSED.map((name) => way + name));
      const errors = LIBRARY_ERRORS[config.library.options.coding].map((name) => `decompressor_library.${name}`);
      return { own: [...ways, ...errors].map((name) => decompressorPrefix(config) + name), alone: [] };
    }
    default:
      return { own: [], alone: [] };
  }
}
