import {
  type OpenTelemetryAccessLogConfig,
  OpenTelemetryAccessLogConfigSchema,
} from "@heddle/xds-api/envoy/extensions/access_loggers/open_telemetry/v3/logs_service";
import type { AnyValue, KeyValueList } from "@heddle/xds-api/opentelemetry/proto/common/v1/common";
import { compileFormat, type Format } from "./format.ts";
import { checkFormatters } from "./formatters.ts";
import { type GrpcLogTarget, grpcLogTarget } from "./grpc-log-target.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** A value of OpenTelemetry with a format at each text. */
export type OtelFormat =
  | { readonly kind: "text"; readonly format: Format }
  | { readonly kind: "value"; readonly value: AnyValue }
  | { readonly kind: "list"; readonly items: readonly OtelFormat[] }
  | { readonly kind: "map"; readonly entries: readonly (readonly [string, OtelFormat])[] };

/** Entries go to an OpenTelemetry collector. */
export interface OtelLogConfig extends GrpcLogTarget {
  readonly kind: "otel";
  /** Attributes that say who writes, beside the built-in ones. */
  readonly resource: readonly (readonly [string, AnyValue])[];
  /** `log_name`, `zone_name`, `cluster_name`, `node_name` are attributes of the resource. */
  readonly builtInLabels: boolean;
  readonly body: OtelFormat | undefined;
  readonly attributes: readonly (readonly [string, OtelFormat])[];
}

export const OTEL_LOG_SHAPE = shape(
  OpenTelemetryAccessLogConfigSchema,
  ["common_config", "disable_builtin_labels", "resource_attributes", "body", "attributes", "formatters"],
  {},
  { stat_prefix: "counters have one name" },
);

export function decodeOtelLog(message: OpenTelemetryAccessLogConfig, scope: DecodeScope): OtelLogConfig | undefined {
  checkShape(OTEL_LOG_SHAPE, message, scope);
  checkFormatters(message.formatters, scope.field("formatters"));
  const target = grpcLogTarget(message.commonConfig, scope);
  const common = scope.field("common_config");
  // Envoy passes them over here.
  if ((message.commonConfig?.customTags.length ?? 0) > 0)
    common.field("custom_tags").problem("refused: only access log services get tags; write attributes");
  if ((message.commonConfig?.filterStateObjectsToLog.length ?? 0) > 0)
    common.field("filter_state_objects_to_log").problem("refused: write an attribute with %FILTER_STATE(KEY)%");
  const body = message.body === undefined ? undefined : decodeValue(message.body, scope.field("body"));
  const attributes = decodeList(message.attributes, scope.field("attributes"));
  if (target === undefined) return undefined;
  return {
    kind: "otel",
    ...target,
    resource: (message.resourceAttributes?.values ?? []).flatMap(({ key, value }) =>
      value === undefined ? [] : [[key, value] as const],
    ),
    builtInLabels: !message.disableBuiltinLabels,
    body,
    attributes,
  };
}

function decodeList(list: KeyValueList | undefined, scope: DecodeScope): readonly (readonly [string, OtelFormat])[] {
  return (list?.values ?? []).flatMap(({ key, value }) =>
    value === undefined ? [] : [[key, decodeValue(value, scope.item(key))] as const],
  );
}

function decodeValue(value: AnyValue, scope: DecodeScope): OtelFormat {
  const held = value.value;
  switch (held.case) {
    case "stringValue":
      return { kind: "text", format: compileFormat(held.value, scope) };
    case "arrayValue":
      return { kind: "list", items: held.value.values.map((item, i) => decodeValue(item, scope.item(i))) };
    case "kvlistValue":
      return { kind: "map", entries: decodeList(held.value, scope) };
    default:
      return { kind: "value", value };
  }
}
