import type { JsonObject } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { compileExpression, type ExpressionUse } from "@heddle/expression";
import { METRIC_NAMES, type WorkloadMetrics } from "@heddle/model";
import { packTypedStruct } from "@heddle/xds-api";

/** Configuration of the standard metrics filter, the same for HTTP and TCP. Without metrics it stays, because it also takes the peer's introduction. */
export function statsConfig(metrics: WorkloadMetrics): Any {
  return packTypedStruct("type.googleapis.com/stats.PluginConfig", {
    disable_host_header_fallback: false,
    ...(metrics.enabled ? metricSettings(metrics) : { metrics: METRIC_NAMES.map((name) => ({ name, drop: true })) }),
  });
}

/** What differs from the standard, in `stats.PluginConfig`'s fields; empty when nothing does. Source: istio generateStatsConfig. */
export function metricSettings({ overrides, reportingIntervalMs }: WorkloadMetrics): JsonObject {
  return {
    ...(reportingIntervalMs === undefined ? {} : { tcp_reporting_duration: `${reportingIntervalMs / 1000}s` }),
    ...(overrides.length === 0
      ? {}
      : {
          metrics: overrides.map(({ metric, drop, tags, removed }) => ({
            name: metric,
            ...(drop ? { drop } : {}),
            ...(Object.keys(tags).length === 0 ? {} : { dimensions: { ...tags } }),
            ...(removed.length === 0 ? {} : { tags_to_remove: [...removed] }),
          })),
        }),
  };
}

/** Attributes that the tags ask for. */
export function metricUses({ overrides }: WorkloadMetrics): readonly ExpressionUse[] {
  return overrides.flatMap(({ tags }) =>
    Object.values(tags).flatMap((text) => {
      const expression = compileExpression(text);
      return expression.ok ? expression.value.uses : [];
    }),
  );
}
