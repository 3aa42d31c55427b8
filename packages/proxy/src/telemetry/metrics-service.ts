import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { writeMessage } from "@heddle/xds-api";
import { StreamMetricsMessageSchema } from "@heddle/xds-api/envoy/service/metrics/v3/metrics_service";
import { type MetricFamilySchema, type MetricSchema, MetricType } from "@heddle/xds-api/io/prometheus/client/metrics";
import type { MetricsServiceConfig } from "../config/stats-services.ts";
import { countOf, countUpTo, type HistogramReport, QUANTILE_SHARES, quantile } from "../counters/histogram.ts";
import { type GrpcStream, openGrpcStream } from "../upstream/grpc-stream.ts";
import { nodeMessage } from "../xds/node-message.ts";
import type { FreshStat } from "./fresh-stats.ts";
import { createLossLog, type StatsOutput, type StatsOutputDeps } from "./stats-output.ts";

type Family = MessageInitShape<typeof MetricFamilySchema>;
type Metric = MessageInitShape<typeof MetricSchema>;

const PATH = "/envoy.service.metrics.v3.MetricsService/StreamMetrics";
const ORDER = ["counter", "gauge", "histogram"] as const;

/** Sends statistics over a stream that is opened when there is something to send. Source: Envoy `envoy.stat_sinks.metrics_service`. */
export function createMetricsService(config: MetricsServiceConfig, deps: StatsOutputDeps): StatsOutput {
  const { server } = config;
  const loss = createLossLog(deps.log.child("metrics-service", { cluster: server.cluster }), "the metrics service");
  let stream: GrpcStream | undefined;
  const open = (): GrpcStream | undefined => {
    let ended = false;
    const opened = openGrpcStream(deps.clusterOf(server.cluster), PATH, server, {
      onMessage: () => undefined,
      onEnd: (reason) => {
        ended = true;
        stream = undefined;
        loss.lost(reason);
      },
    });
    return ended ? undefined : opened;
  };
  return {
    send: (stats) => {
      const fresh = stream === undefined;
      stream ??= open();
      if (stream === undefined) return;
      const message = create(StreamMetricsMessageSchema, {
        // Said once on each stream.
        ...(fresh ? { identifier: { node: nodeMessage(deps.node, deps.version) } } : {}),
        envoyMetrics: families(stats, config, deps),
      });
      const bytes = writeMessage(StreamMetricsMessageSchema, message);
      if (stream.send(bytes)) loss.arrived();
      else loss.lost("it does not keep up");
    },
    close: () => stream?.close(),
  };
}

function families(stats: readonly FreshStat[], config: MetricsServiceConfig, deps: StatsOutputDeps): Family[] {
  const { tags, bounds, clock } = deps;
  const timestampMs = BigInt(Math.trunc(clock.now()));
  const found: Family[] = [];
  for (const kind of ORDER) {
    for (const stat of stats) {
      if (stat.kind !== kind) continue;
      const tagged = config.labels ? tags.of(stat.name) : undefined;
      const label = tagged?.tags.map((name, i) => ({ name, value: tagged.values[i] ?? "" })) ?? [];
      const add = (type: MetricType, metric: Metric) =>
        found.push({ name: tagged?.dotted ?? stat.name, type, metric: [{ label, timestampMs, ...metric }] });
      if (stat.fresh !== undefined) {
        if (config.summaries) add(MetricType.SUMMARY, { summary: summaryOf(stat.fresh) });
        if (config.histograms) add(MetricType.HISTOGRAM, { histogram: histogramOf(stat.fresh, bounds(stat.name)) });
      } else if (kind === "gauge") add(MetricType.GAUGE, { gauge: { value: stat.value } });
      else add(MetricType.COUNTER, { counter: { value: config.counterDeltas ? stat.delta : stat.value } });
    }
  }
  return found;
}

/** Of the values since the last time. Source: Envoy. */
function summaryOf(fresh: HistogramReport): NonNullable<Metric["summary"]> {
  return {
    sampleCount: BigInt(countOf(fresh)),
    sampleSum: fresh.sum,
    quantile: QUANTILE_SHARES.map((share) => ({ quantile: share, value: quantile(fresh, share) ?? Number.NaN })),
  };
}

function histogramOf(fresh: HistogramReport, bounds: readonly number[]): NonNullable<Metric["histogram"]> {
  return {
    sampleCount: BigInt(countOf(fresh)),
    sampleSum: fresh.sum,
    bucket: bounds.map((upperBound) => ({ upperBound, cumulativeCount: BigInt(countUpTo(fresh, upperBound)) })),
  };
}
