import type { AccessLogConfig } from "../config/access-log.ts";
import { type LogFacts, passesFilter } from "../config/log-filter.ts";
import type { ExchangeObserver } from "../http/connection-manager.ts";
import type { ExchangeLog } from "../http/early-lines.ts";
import type { ExchangeRecord } from "../http/exchange-record.ts";
import type { TcpLog, TcpObserver, TcpRecord } from "../network/tcp-record.ts";
import { matchesHeader } from "../router/route-matcher.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { loggedAttributes } from "./record-attributes.ts";

/** Where the entries of one access log go. */
export interface LogTarget {
  exchange(record: ExchangeRecord): void;
  connection(record: TcpRecord): void;
}

/** Writes lines of one log: at the end, and whenever it is asked to. */
export interface AccessLogWriter extends ExchangeObserver, TcpObserver, ExchangeLog, TcpLog {}

class AccessLogger implements AccessLogWriter {
  readonly #config: AccessLogConfig;
  readonly #target: LogTarget;
  readonly #random: () => number;
  readonly #runtime: Runtime;

  constructor(config: AccessLogConfig, target: LogTarget, random: () => number, runtime: Runtime) {
    this.#config = config;
    this.#target = target;
    this.#random = random;
    this.#runtime = runtime;
  }

  onExchangeDone(record: ExchangeRecord): void {
    this.writeExchange(record);
  }

  writeExchange(record: ExchangeRecord): void {
    const { filter } = this.#config;
    if (filter === undefined || passesFilter(filter, exchangeFacts(record, this.#random, this.#runtime)))
      this.#target.exchange(record);
  }

  onTcpOpened(): void {}
  onTcpProgress(): void {}

  onTcpDone(record: TcpRecord): void {
    this.writeConnection(record);
  }

  writeConnection(record: TcpRecord): void {
    const { filter } = this.#config;
    if (filter === undefined || passesFilter(filter, connectionFacts(record, this.#random, this.#runtime)))
      this.#target.connection(record);
  }
}

/** What filters see of an exchange. */
export function exchangeFacts(record: ExchangeRecord, random: () => number, runtime: Runtime): LogFacts {
  return {
    status: record.status,
    grpcStatus: record.grpcStatus,
    flags: record.flags,
    durationMs: record.endMs - record.startMs,
    logType: record.logType,
    userAgent: record.request.headers.get("user-agent") ?? "",
    healthCheck: record.marks?.healthCheck === true,
    requestId: () => record.request.headers.get("x-request-id"),
    metadata: record.metadata,
    matches: (header) => matchesHeader(header, record.request),
    attributes: () => loggedAttributes().ofExchange(record),
    random,
    runtime,
  };
}

function connectionFacts(record: TcpRecord, random: () => number, runtime: Runtime): LogFacts {
  return {
    status: 0,
    grpcStatus: -1,
    flags: record.flags,
    durationMs: record.endMs - record.startMs,
    logType: record.logType,
    userAgent: "",
    requestId: () => undefined,
    metadata: record.connection.metadata,
    matches: () => false,
    attributes: () => loggedAttributes().ofConnection(record),
    random,
    runtime,
  };
}

/** Hands each exchange or connection that the filter lets through to `target`. */
export function createAccessLogger(
  config: AccessLogConfig,
  target: LogTarget,
  random: () => number,
  runtime: Runtime,
): AccessLogWriter {
  return new AccessLogger(config, target, random, runtime);
}
