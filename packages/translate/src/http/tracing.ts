import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type CollectorService, formatClusterName, type TraceTag, type Tracing } from "@heddle/model";
import { packAny } from "@heddle/xds-api";
import {
  HeaderValueOption_HeaderAppendAction,
  type HeaderValueOptionSchema,
} from "@heddle/xds-api/envoy/config/core/v3/base";
import { OpenTelemetryConfigSchema } from "@heddle/xds-api/envoy/config/trace/v3/opentelemetry";
import {
  ZipkinConfig_CollectorEndpointVersion,
  ZipkinConfig_TraceContextOption,
  ZipkinConfigSchema,
} from "@heddle/xds-api/envoy/config/trace/v3/zipkin";
import type { HttpConnectionManagerSchema } from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import { UuidRequestIdConfigSchema } from "@heddle/xds-api/envoy/extensions/request_id/uuid/v3/uuid";
import { EnvironmentResourceDetectorConfigSchema } from "@heddle/xds-api/envoy/extensions/tracers/opentelemetry/resource_detectors/v3/environment_resource_detector";
import { StaticConfigResourceDetectorConfigSchema } from "@heddle/xds-api/envoy/extensions/tracers/opentelemetry/resource_detectors/v3/static_config_resource_detector";
import type { CustomTagSchema } from "@heddle/xds-api/envoy/type/tracing/v3/custom_tag";
import { protoDuration } from "../proto-duration.ts";

type Manager = MessageInitShape<typeof HttpConnectionManagerSchema>;

/** Fields of a connection manager that make it record spans. `gateway`: nothing stands before it that has a span of its own. */
export function tracingFields(
  tracing: Tracing | undefined,
  gateway: boolean,
): Pick<Manager, "tracing" | "requestIdExtension"> {
  if (tracing === undefined) return {};
  const { provider } = tracing;
  return {
    tracing: {
      clientSampling: { value: 100 },
      randomSampling: { value: tracing.samplingPercent },
      overallSampling: { value: 100 },
      customTags: Object.entries(tracing.tags).map(customTag),
      ...(tracing.maxTagLength === undefined ? {} : { maxPathTagLength: tracing.maxTagLength }),
      ...(gateway ? { spawnUpstreamSpan: true } : {}),
      ...(tracing.withoutContext ? { noContextPropagation: true } : {}),
      provider:
        provider.kind === "zipkin"
          ? {
              name: "envoy.tracers.zipkin",
              configType: {
                case: "typedConfig",
                value: packAny(ZipkinConfigSchema, create(ZipkinConfigSchema, zipkin(provider))),
              },
            }
          : {
              name: "envoy.tracers.opentelemetry",
              configType: { case: "typedConfig", value: openTelemetry(tracing, provider) },
            },
    },
    ...(tracing.useRequestId
      ? {}
      : {
          requestIdExtension: {
            typedConfig: packAny(
              UuidRequestIdConfigSchema,
              create(UuidRequestIdConfigSchema, { useRequestIdForTraceSampling: false }),
            ),
          },
        }),
  };
}

/** An Envoy that does not know `collector_service` reads the fields beside it. */
function zipkin({
  service,
  path,
  shortIds,
  settings,
}: Extract<Tracing["provider"], { kind: "zipkin" }>): MessageInitShape<typeof ZipkinConfigSchema> {
  const { timeout, headers = [], traceContextOption = "USE_B3" } = settings ?? {};
  return {
    collectorCluster: clusterOf(service),
    collectorEndpoint: path,
    collectorEndpointVersion: ZipkinConfig_CollectorEndpointVersion.HTTP_JSON,
    collectorHostname: service.hostname,
    traceId128bit: !shortIds,
    sharedSpanContext: false,
    traceContextOption: ZipkinConfig_TraceContextOption[traceContextOption],
    ...(timeout === undefined && headers.length === 0
      ? {}
      : {
          collectorService: {
            httpUri: {
              uri: `http://${service.hostname}${path}`,
              httpUpstreamType: { case: "cluster", value: clusterOf(service) },
              timeout: protoDuration(timeout ?? ZIPKIN_TIMEOUT_MS),
            },
            requestHeadersToAdd: headers.map(addedHeader),
          },
        }),
  };
}

function openTelemetry(tracing: Tracing, provider: Extract<Tracing["provider"], { kind: "opentelemetry" }>) {
  const { http, grpc, resourceDetectors } = provider.settings;
  const { hostname, port } = provider.service;
  const cluster = clusterOf(provider.service);
  return packAny(
    OpenTelemetryConfigSchema,
    create(OpenTelemetryConfigSchema, {
      serviceName: tracing.serviceName,
      ...(http === undefined
        ? {
            grpcService: {
              targetSpecifier: { case: "envoyGrpc" as const, value: { clusterName: cluster, authority: hostname } },
              ...(grpc?.timeout === undefined ? {} : { timeout: protoDuration(grpc.timeout) }),
              initialMetadata: (grpc?.initialMetadata ?? []).map(headerValue),
            },
          }
        : {
            httpService: {
              httpUri: {
                uri: `http://${hostname}:${port}${http.path === undefined || http.path === "" ? "/v1/traces" : http.path}`,
                httpUpstreamType: { case: "cluster" as const, value: cluster },
                timeout: protoDuration(http.timeout ?? DEFAULT_TIMEOUT_MS),
              },
              requestHeadersToAdd: http.headers.map(addedHeader),
            },
          }),
      resourceDetectors: [
        ...(resourceDetectors?.environment === undefined
          ? []
          : [
              {
                name: "envoy.tracers.opentelemetry.resource_detectors.environment",
                typedConfig: packAny(
                  EnvironmentResourceDetectorConfigSchema,
                  create(EnvironmentResourceDetectorConfigSchema),
                ),
              },
            ]),
        ...(Object.keys(tracing.resource).length === 0
          ? []
          : [
              {
                name: "envoy.tracers.opentelemetry.resource_detectors.static_config",
                typedConfig: packAny(
                  StaticConfigResourceDetectorConfigSchema,
                  create(StaticConfigResourceDetectorConfigSchema, { attributes: tracing.resource }),
                ),
              },
            ]),
      ],
    }),
  );
}

/** Units: ms. */
const DEFAULT_TIMEOUT_MS = 3000;
const ZIPKIN_TIMEOUT_MS = 5000;

interface ProviderHeader {
  readonly name: string;
  readonly value?: string | undefined;
}

function headerValue({ name, value = "" }: ProviderHeader) {
  return { key: name, value };
}

function addedHeader(header: ProviderHeader): MessageInitShape<typeof HeaderValueOptionSchema> {
  return {
    header: headerValue(header),
    appendAction: HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
  };
}

function clusterOf({ hostname, port }: CollectorService): string {
  return formatClusterName({ direction: "outbound", port, subset: "", hostname });
}

function customTag([tag, value]: [string, TraceTag]): MessageInitShape<typeof CustomTagSchema> {
  switch (value.kind) {
    case "formatter":
      return { tag, type: { case: "value", value: value.text } };
    case "literal":
      return { tag, type: { case: "literal", value: { value: value.text } } };
    case "environment":
      return { tag, type: { case: "environment", value: { name: value.name, defaultValue: value.fallback } } };
    case "header":
      return { tag, type: { case: "requestHeader", value: { name: value.name, defaultValue: value.fallback } } };
  }
}
