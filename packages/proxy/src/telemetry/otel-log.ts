import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "@heddle/std";
import { ExportLogsServiceRequestSchema } from "@heddle/xds-api/opentelemetry/proto/collector/logs/v1/logs_service";
import type { AnyValueSchema, KeyValueSchema } from "@heddle/xds-api/opentelemetry/proto/common/v1/common";
import { type LogRecord, LogRecordSchema } from "@heddle/xds-api/opentelemetry/proto/logs/v1/logs";
import { type FormatValues, renderFormat } from "../config/format.ts";
import type { OtelFormat, OtelLogConfig } from "../config/otel-log.ts";
import { exchangeValues } from "../http/exchange-values.ts";
import { tcpValues } from "../network/tcp-values.ts";
import type { ClusterSet } from "../upstream/cluster-set.ts";
import { grpcOutcome, grpcRequest } from "../upstream/grpc-message.ts";
import { sendSideRequest } from "../upstream/side-request.ts";
import type { LogTarget } from "./access-log.ts";
import { type BatchPace, createBatchPace } from "./batch-pace.ts";
import { textAttribute } from "./tracing/otlp-format.ts";

/** What the log needs of the process. */
export interface OtelLogSurroundings {
  readonly clusters: ClusterSet;
  readonly clock: Clock;
  readonly random: () => number;
  /** How the proxy names itself. */
  readonly node: { readonly id: string; readonly cluster: string };
  count(name: string, by?: number): void;
  /** The collector went away, or is back. */
  reachable(yes: boolean, why: string): void;
}

type Value = MessageInitShape<typeof AnyValueSchema>;
type KeyValue = MessageInitShape<typeof KeyValueSchema>;

const PATH = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const STATS = "access_logs.open_telemetry_access_log";
const TIMEOUT_MS = 10_000;
const MAX_ANSWER = 65_536;
/** Batches under way; beyond it entries are dropped: the collector is slower than the traffic. */
const MAX_SENDING = 4;
/** What an entry takes beside its texts. Units: bytes. */
const ENTRY_BYTES = 40;

/** Gathers entries and exports them in batches; never waits, never fails. Source: Envoy `OpenTelemetryAccessLogConfig`. */
class OtelLog implements LogTarget {
  readonly #config: OtelLogConfig;
  readonly #around: OtelLogSurroundings;
  readonly #pace: BatchPace;
  readonly #resource: readonly KeyValue[];
  #records: LogRecord[] = [];
  /** Of the entry that is being written. */
  #bytes = 0;
  #sending = 0;
  #reachable = true;

  constructor(config: OtelLogConfig, around: OtelLogSurroundings) {
    this.#config = config;
    this.#around = around;
    this.#pace = createBatchPace(config, around.clock, () => this.#flush());
    const { node } = around;
    const builtIn = [
      ["log_name", config.logName],
      ["zone_name", ""],
      ["cluster_name", node.cluster],
      ["node_name", node.id],
    ] as const;
    this.#resource = [
      ...(config.builtInLabels ? builtIn.map(textAttribute) : []),
      ...config.resource.map(([key, value]) => ({ key, value })),
    ];
  }

  exchange(record: Parameters<LogTarget["exchange"]>[0]): void {
    this.#add(record.startTime, exchangeValues(record), record.span);
  }

  connection(record: Parameters<LogTarget["connection"]>[0]): void {
    this.#add(record.startTime, tcpValues(record), undefined);
  }

  #add(
    startTime: number,
    values: FormatValues,
    span: { readonly traceId: string; readonly spanId: string } | undefined,
  ): void {
    const { body, attributes } = this.#config;
    this.#bytes = ENTRY_BYTES;
    this.#records.push(
      create(LogRecordSchema, {
        timeUnixNano: BigInt(Math.trunc(startTime * 1000)) * 1000n,
        ...(body === undefined ? {} : { body: this.#rendered(body, values) }),
        attributes: attributes.map(([key, format]) => ({ key, value: this.#rendered(format, values) })),
        ...(span === undefined
          ? {}
          : { traceId: Buffer.from(span.traceId.padStart(32, "0"), "hex"), spanId: Buffer.from(span.spanId, "hex") }),
      }),
    );
    this.#pace.added(this.#bytes);
  }

  #rendered(format: OtelFormat, values: FormatValues): Value {
    switch (format.kind) {
      case "text": {
        const text = renderFormat(format.format, values);
        this.#bytes += text.length;
        return { value: { case: "stringValue", value: text } };
      }
      case "value":
        return format.value;
      case "list":
        return {
          value: {
            case: "arrayValue",
            value: { values: format.items.map((item) => this.#rendered(item, values)) },
          },
        };
      case "map":
        return {
          value: {
            case: "kvlistValue",
            value: { values: format.entries.map(([key, item]) => ({ key, value: this.#rendered(item, values) })) },
          },
        };
    }
  }

  #flush(): void {
    const logRecords = this.#records;
    if (logRecords.length === 0) return;
    this.#records = [];
    const { clusters, clock, random, count } = this.#around;
    const { server, retries } = this.#config;
    if (this.#sending >= MAX_SENDING) {
      count(`${STATS}.logs_dropped`, logRecords.length);
      this.#heard(false, "it does not keep up");
      return;
    }
    const { head, body } = grpcRequest(PATH, server, ExportLogsServiceRequestSchema, {
      resourceLogs: [{ resource: { attributes: [...this.#resource] }, scopeLogs: [{ logRecords }] }],
    });
    this.#sending++;
    sendSideRequest(
      {
        cluster: clusters.get(server.cluster),
        head,
        body,
        clock,
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_ANSWER,
        ...(retries === 0 ? {} : { retry: { times: retries, random } }),
      },
      (result) => {
        this.#sending--;
        const outcome = result.ok ? grpcOutcome(result.value) : undefined;
        if (!result.ok || outcome?.code !== 0) {
          count(`${STATS}.logs_dropped`, logRecords.length);
          const answered = result.ok
            ? `it answered ${outcome?.message ?? `status ${result.value.status}`}`
            : result.error;
          this.#heard(false, answered);
          return;
        }
        count(`${STATS}.logs_written`, logRecords.length);
        this.#heard(true, "");
      },
    );
  }

  #heard(yes: boolean, why: string): void {
    if (this.#reachable === yes) return;
    this.#reachable = yes;
    this.#around.reachable(yes, why);
  }
}

export function createOtelLog(config: OtelLogConfig, around: OtelLogSurroundings): LogTarget {
  return new OtelLog(config, around);
}
