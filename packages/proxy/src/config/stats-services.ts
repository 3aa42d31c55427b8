import { HistogramEmitMode, MetricsServiceConfigSchema } from "@heddle/xds-api/envoy/config/metrics/v3/metrics_service";
import { SinkConfigSchema } from "@heddle/xds-api/envoy/extensions/stat_sinks/open_telemetry/v3/open_telemetry";
import { type AnyTable, messageEntry } from "./any-field.ts";
import { decodeGrpcService, type GrpcServer } from "./grpc-service.ts";
import { checkShape, shape, VERSION_3 } from "./shape.ts";
import {
  decodeDetectors,
  type OtlpTarget,
  otlpOverGrpc,
  otlpOverHttp,
  type ResourceAttributes,
} from "./trace-provider.ts";

/** Statistics go to a collector of OpenTelemetry. Source: Envoy `envoy.stat_sinks.open_telemetry`. */
export interface OtlpStatsConfig extends ResourceAttributes {
  readonly kind: "otlp";
  readonly target: OtlpTarget;
  /** Counters go as what came since the last time. Default: all there is. */
  readonly counterDeltas: boolean;
  readonly histogramDeltas: boolean;
  /** Labels are attributes. Default: true. */
  readonly attributes: boolean;
  /** Names are without what is in labels. Default: true. */
  readonly shortNames: boolean;
  /** Before each name, with its dot; "": none. */
  readonly prefix: string;
  /** Values of one request; 0: all. */
  readonly mostPoints: number;
}

/** Statistics go to a metrics service, in Prometheus's data model. Source: Envoy `envoy.stat_sinks.metrics_service`. */
export interface MetricsServiceConfig {
  readonly kind: "metrics-service";
  readonly server: GrpcServer;
  readonly counterDeltas: boolean;
  /** Labels are told, and names are without them. Default: false. */
  readonly labels: boolean;
  readonly summaries: boolean;
  readonly histograms: boolean;
}

export const OTLP_STATS_SHAPE = shape(
  SinkConfigSchema,
  [
    "grpc_service",
    "http_service",
    "resource_detectors",
    "report_counters_as_deltas",
    "report_histograms_as_deltas",
    "emit_tags_as_attributes",
    "use_tag_extracted_name",
    "prefix",
    "max_data_points_per_request",
  ],
  {},
  { custom_metric_conversions: "statistics keep their names; change them in the collector" },
);

export const METRICS_SERVICE_SHAPE = shape(
  MetricsServiceConfigSchema,
  ["grpc_service", "report_counters_as_deltas", "emit_tags_as_labels", "histogram_emit_mode"],
  {},
  {},
  { only: { transport_api_version: VERSION_3 } },
);

export const STATS_SERVICES: AnyTable<OtlpStatsConfig | MetricsServiceConfig> = {
  [SinkConfigSchema.typeName]: messageEntry(SinkConfigSchema, (message, scope): OtlpStatsConfig | undefined => {
    checkShape(OTLP_STATS_SHAPE, message, scope);
    const { protocolSpecifier: to } = message;
    const target =
      to.case === "httpService"
        ? otlpOverHttp(to.value, scope.field("http_service"))
        : otlpOverGrpc(to.value, scope.field("grpc_service"));
    const detected = decodeDetectors(message.resourceDetectors, scope.field("resource_detectors"));
    return (
      target && {
        kind: "otlp",
        target,
        ...detected,
        counterDeltas: message.reportCountersAsDeltas,
        histogramDeltas: message.reportHistogramsAsDeltas,
        attributes: message.emitTagsAsAttributes ?? true,
        shortNames: message.useTagExtractedName ?? true,
        prefix: message.prefix === "" ? "" : `${message.prefix}.`,
        mostPoints: message.maxDataPointsPerRequest,
      }
    );
  }),
  [MetricsServiceConfigSchema.typeName]: messageEntry(
    MetricsServiceConfigSchema,
    (message, scope): MetricsServiceConfig | undefined => {
      checkShape(METRICS_SERVICE_SHAPE, message, scope);
      const server = decodeGrpcService(message.grpcService, scope.field("grpc_service"));
      const { histogramEmitMode: mode } = message;
      return (
        server && {
          kind: "metrics-service",
          server,
          counterDeltas: message.reportCountersAsDeltas ?? false,
          labels: message.emitTagsAsLabels,
          summaries: mode !== HistogramEmitMode.HISTOGRAM,
          histograms: mode !== HistogramEmitMode.SUMMARY,
        }
      );
    },
  ),
};
