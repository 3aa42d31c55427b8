import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { writeMessage } from "@heddle/xds-api";
import { ExportMetricsServiceRequestSchema } from "@heddle/xds-api/opentelemetry/proto/collector/metrics/v1/metrics_service";
import { AggregationTemporality, type MetricSchema } from "@heddle/xds-api/opentelemetry/proto/metrics/v1/metrics";
import type { OtlpStatsConfig } from "../config/stats-services.ts";
import { countOf, countUpTo } from "../counters/histogram.ts";
import { grpcOutcome } from "../upstream/grpc-message.ts";
import type { CollectedResponse } from "../upstream/response-collector.ts";
import { sendSideRequest } from "../upstream/side-request.ts";
import type { FreshStat } from "./fresh-stats.ts";
import { createLossLog, type StatsOutput, type StatsOutputDeps } from "./stats-output.ts";
import { otlpRequest, textAttribute } from "./tracing/otlp-format.ts";
import { detectedResource } from "./tracing/otlp-resource.ts";
import { headOf } from "./tracing/span-exporter.ts";

type Metric = MessageInitShape<typeof MetricSchema>;

const SERVICE = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
const MAX_ANSWER = 65_536;
/** Requests under way; beyond it statistics are lost: the collector is slower than they come. */
const MAX_SENDING = 16;
const ORDER = ["gauge", "counter", "histogram"] as const;

/** Sends statistics to a collector. Source: Envoy `envoy.stat_sinks.open_telemetry`. */
export function createOtlpStats(config: OtlpStatsConfig, deps: StatsOutputDeps): StatsOutput {
  const { target, mostPoints } = config;
  const { clock } = deps;
  const attributes = detectedResource(config, deps.env).map(textAttribute);
  const loss = createLossLog(deps.log.child("otlp", { cluster: target.cluster }), "OpenTelemetry");
  const beganNs = nanos(clock.now());
  let lastNs = beganNs;
  let sending = 0;
  let closed = false;

  const post = (metrics: readonly Metric[]) => {
    if (sending >= MAX_SENDING) {
      loss.lost("it does not keep up");
      return;
    }
    const message = create(ExportMetricsServiceRequestSchema, {
      resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ metrics: [...metrics] }] }],
    });
    const request = otlpRequest(target, SERVICE, writeMessage(ExportMetricsServiceRequestSchema, message));
    sending++;
    sendSideRequest(
      {
        cluster: deps.clusterOf(target.cluster),
        head: headOf(request),
        body: request.body,
        clock,
        timeoutMs: target.timeoutMs,
        maxBytes: MAX_ANSWER,
      },
      (result) => {
        sending--;
        if (closed) return;
        const refusal = result.ok ? refusalOf(result.value, target.transport === "grpc") : result.error;
        if (refusal === undefined) loss.arrived();
        else loss.lost(refusal);
      },
    );
  };

  return {
    send: (stats) => {
      const nowNs = nanos(clock.now());
      const metrics = ORDER.flatMap((kind) => stats.filter((stat) => stat.kind === kind)).map((stat) =>
        metricOf(stat, config, deps, { beganNs, lastNs, nowNs }),
      );
      lastNs = nowNs;
      const size = mostPoints === 0 ? metrics.length : mostPoints;
      for (let at = 0; at < metrics.length; at += size) post(metrics.slice(at, at + size));
    },
    close: () => {
      closed = true;
    },
  };
}

interface Times {
  readonly beganNs: bigint;
  readonly lastNs: bigint;
  readonly nowNs: bigint;
}

function metricOf(
  { name, kind, value, delta, histogram, fresh }: FreshStat,
  config: OtlpStatsConfig,
  { tags, bounds }: Pick<StatsOutputDeps, "tags" | "bounds">,
  { beganNs, lastNs, nowNs }: Times,
): Metric {
  const tagged = tags.of(name);
  const attributes = config.attributes ? tagged.tags.map((tag, i) => textAttribute([tag, tagged.values[i] ?? ""])) : [];
  const shown = config.prefix + (config.shortNames ? tagged.dotted : name);
  const deltas = kind === "counter" ? config.counterDeltas : config.histogramDeltas;
  const point = { attributes, timeUnixNano: nowNs, startTimeUnixNano: deltas ? lastNs : beganNs };
  const aggregationTemporality = deltas ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
  if (histogram !== undefined && fresh !== undefined) {
    const report = deltas ? fresh : histogram;
    const explicitBounds = [...bounds(name)];
    const upTo = explicitBounds.map((bound) => countUpTo(report, bound));
    const count = countOf(report);
    const bucketCounts = [...upTo, count].map((sum, i) => BigInt(sum - (upTo[i - 1] ?? 0)));
    const dataPoints = [{ ...point, count: BigInt(count), sum: report.sum, explicitBounds, bucketCounts }];
    return { name: shown, data: { case: "histogram", value: { dataPoints, aggregationTemporality } } };
  }
  const asInt = (whole: number) => ({ value: { case: "asInt" as const, value: BigInt(Math.trunc(whole)) } });
  if (kind === "gauge") {
    const dataPoints = [{ attributes, timeUnixNano: nowNs, ...asInt(value) }];
    return { name: shown, data: { case: "gauge", value: { dataPoints } } };
  }
  const dataPoints = [{ ...point, ...asInt(deltas ? delta : value) }];
  return { name: shown, data: { case: "sum", value: { dataPoints, aggregationTemporality, isMonotonic: true } } };
}

/** Why a collector did not take a request; undefined: it did. */
function refusalOf(answer: CollectedResponse, grpc: boolean): string | undefined {
  if (answer.status !== 200) return `it answered with status ${answer.status}`;
  if (!grpc) return undefined;
  const outcome = grpcOutcome(answer);
  if (outcome?.code === 0) return undefined;
  return `it answered with status ${outcome?.code ?? "unknown"} ${outcome?.message ?? ""}`.trimEnd();
}

function nanos(ms: number): bigint {
  return BigInt(Math.trunc(ms * 1000)) * 1000n;
}
