import type { JsonValue } from "@bufbuild/protobuf";
import type { AccessLogConfig, JsonFormat, LogFilter } from "../config/access-log.ts";
import { type FormatValues, renderFormat } from "../config/format.ts";
import type { ExchangeObserver } from "../http/connection-manager.ts";
import type { ExchangeRecord } from "../http/exchange-record.ts";
import { exchangeValues } from "../http/exchange-values.ts";
import type { TcpObserver, TcpRecord } from "../network/tcp-record.ts";
import { tcpValues } from "../network/tcp-values.ts";
import type { LogWriter } from "./log-writer.ts";

/** Facts that filters look at. */
interface LogFacts {
  readonly status: number;
  readonly durationMs: number;
  readonly flags: string;
  readonly userAgent: string;
}

class AccessLogger implements ExchangeObserver, TcpObserver {
  readonly #config: AccessLogConfig;
  readonly #writer: LogWriter;

  constructor(config: AccessLogConfig, writer: LogWriter) {
    this.#config = config;
    this.#writer = writer;
  }

  onExchangeDone(record: ExchangeRecord): void {
    const { status, flags } = record;
    const userAgent = record.request.headers.get("user-agent") ?? "";
    this.#write({ status, flags, durationMs: record.endMs - record.startMs, userAgent }, exchangeValues(record));
  }

  onTcpOpened(): void {}
  onTcpProgress(): void {}

  onTcpDone(record: TcpRecord): void {
    this.#write(
      { status: 0, flags: record.flags, durationMs: record.endMs - record.startMs, userAgent: "" },
      tcpValues(record),
    );
  }

  #write(facts: LogFacts, values: FormatValues): void {
    const { filter, line, path } = this.#config;
    if (filter !== undefined && !passes(filter, facts)) return;
    if (line.kind === "text") {
      const text = renderFormat(line.format, values);
      this.#writer.write(path, text.endsWith("\n") ? text : `${text}\n`);
    } else {
      this.#writer.write(path, `${JSON.stringify(renderJson(line.fields, values, line.omitEmpty))}\n`);
    }
  }
}

function renderJson(format: JsonFormat, values: FormatValues, omitEmpty: boolean): JsonValue | undefined {
  switch (format.kind) {
    case "value":
      return format.value;
    case "leaf": {
      const [only, ...more] = format.format.segments;
      // A field that is one command keeps its kind: numbers stay numbers, missing values are null.
      if (only === undefined || typeof only === "string" || more.length > 0) return renderFormat(format.format, values);
      const value = values.command(only);
      if (value === undefined || value === "-") return omitEmpty ? undefined : null;
      return NUMERIC.has(only.name) ? Number(value) : value;
    }
    case "object": {
      const out: Record<string, JsonValue> = {};
      for (const [key, item] of format.entries) {
        const value = renderJson(item, values, omitEmpty);
        if (value !== undefined) out[key] = value;
      }
      return out;
    }
  }
}

const NUMERIC: ReadonlySet<string> = new Set([
  "RESPONSE_CODE",
  "BYTES_RECEIVED",
  "BYTES_SENT",
  "DURATION",
  "REQUEST_DURATION",
  "RESPONSE_DURATION",
  "RESPONSE_TX_DURATION",
  "UPSTREAM_REQUEST_ATTEMPT_COUNT",
  "GRPC_STATUS_NUMBER",
  "CONNECTION_ID",
]);

function passes(filter: LogFilter, facts: LogFacts): boolean {
  switch (filter.kind) {
    case "status":
      return compare(facts.status, filter.op, filter.value);
    case "duration":
      return compare(facts.durationMs, filter.op, filter.value);
    case "flags":
      return filter.flags.length === 0
        ? facts.flags !== "-"
        : filter.flags.some((flag) => facts.flags.split(",").includes(flag));
    case "not-health-check":
      return !facts.userAgent.startsWith("kube-probe/") && !facts.userAgent.startsWith("Envoy/HC");
    case "and":
      return filter.filters.every((item) => passes(item, facts));
    case "or":
      return filter.filters.some((item) => passes(item, facts));
  }
}

function compare(value: number, op: "eq" | "ge" | "le", limit: number): boolean {
  return op === "eq" ? value === limit : op === "ge" ? value >= limit : value <= limit;
}

/** Writes one line for each exchange or connection. */
export function createAccessLogger(config: AccessLogConfig, writer: LogWriter): ExchangeObserver & TcpObserver {
  return new AccessLogger(config, writer);
}
