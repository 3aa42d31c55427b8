import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "@heddle/std";
import {
  type HTTPAccessLogEntry,
  HTTPAccessLogEntrySchema,
  type TCPAccessLogEntry,
  TCPAccessLogEntrySchema,
} from "@heddle/xds-api/envoy/data/accesslog/v3/accesslog";
import { StreamAccessLogsMessageSchema } from "@heddle/xds-api/envoy/service/accesslog/v3/als";
import type { GrpcLogConfig } from "../config/access-log.ts";
import type { ClusterSet } from "../upstream/cluster-set.ts";
import { grpcRequest } from "../upstream/grpc-message.ts";
import { sendSideRequest } from "../upstream/side-request.ts";
import type { LogTarget } from "./access-log.ts";
import { type BatchPace, createBatchPace } from "./batch-pace.ts";
import { connectionEntry, exchangeEntry } from "./log-entry.ts";

/** What access log services need of the process. */
export interface GrpcLogSurroundings {
  readonly clusters: ClusterSet;
  readonly clock: Clock;
  readonly random: () => number;
  env(name: string): string | undefined;
  /** How the proxy names itself. */
  readonly node: { readonly id: string; readonly cluster: string };
  /** Entries that could not be sent, or for which there was no room. */
  dropped(entries: number): void;
}

const PATH = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
const TIMEOUT_MS = 10_000;
const MAX_ANSWER = 65_536;
/** Beyond this entries are dropped: the service is slower than the traffic. */
const MAX_SENDING = 4;

/** Gathers entries and sends them in streams of one message each. Source: Envoy `HttpGrpcAccessLogConfig`. */
class GrpcLog implements LogTarget {
  readonly #config: GrpcLogConfig;
  readonly #around: GrpcLogSurroundings;
  readonly #pace: BatchPace;
  #http: HTTPAccessLogEntry[] = [];
  #tcp: TCPAccessLogEntry[] = [];
  #sending = 0;

  constructor(config: GrpcLogConfig, around: GrpcLogSurroundings) {
    this.#config = config;
    this.#around = around;
    this.#pace = createBatchPace(config, around.clock, () => this.#flush());
  }

  exchange(record: Parameters<LogTarget["exchange"]>[0]): void {
    const entry = create(HTTPAccessLogEntrySchema, exchangeEntry(record, this.#config, this.#around.env));
    this.#http.push(entry);
    this.#pace.added(ENTRY_BYTES + record.originalPath.length);
  }

  connection(record: Parameters<LogTarget["connection"]>[0]): void {
    this.#tcp.push(create(TCPAccessLogEntrySchema, connectionEntry(record, this.#config, this.#around.env)));
    this.#pace.added(ENTRY_BYTES);
  }

  #flush(): void {
    const http = this.#http;
    const tcp = this.#tcp;
    this.#http = [];
    this.#tcp = [];
    if (http.length > 0) this.#send({ case: "httpLogs", value: { logEntry: http } }, http.length);
    if (tcp.length > 0) this.#send({ case: "tcpLogs", value: { logEntry: tcp } }, tcp.length);
  }

  #send(logEntries: MessageInitShape<typeof StreamAccessLogsMessageSchema>["logEntries"], count: number): void {
    const { server, logName, retries } = this.#config;
    const { clusters, clock, random, node, dropped } = this.#around;
    if (logEntries === undefined || this.#sending >= MAX_SENDING) {
      dropped(count);
      return;
    }
    const { head, body } = grpcRequest(PATH, server, StreamAccessLogsMessageSchema, {
      identifier: { node, logName },
      logEntries,
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
        if (!result.ok || result.value.status !== 200) dropped(count);
      },
    );
  }
}

/** About what an entry takes. Units: bytes. */
const ENTRY_BYTES = 300;

export function createGrpcLog(config: GrpcLogConfig, around: GrpcLogSurroundings): LogTarget {
  return new GrpcLog(config, around);
}
