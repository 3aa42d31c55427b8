import type { FormatValues } from "../config/format.ts";
import type { HeaderAddition } from "../config/header-mutation.ts";
import type { LocalReplyConfig } from "../config/local-reply.ts";
import { type LogFacts, passesFilter } from "../config/log-filter.ts";
import { renderLine } from "../config/log-line.ts";
import { matchesHeader } from "../router/route-matcher.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { loggedAttributes } from "../telemetry/record-attributes.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import { exchangeValues } from "./exchange-values.ts";

/** An answer of the proxy as the configuration wants it. */
export interface MappedReply {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
  readonly headers: readonly HeaderAddition[];
  readonly values: FormatValues;
}

/** Source: Envoy `local_reply_config`. */
export function mapReply(
  config: LocalReplyConfig,
  record: ExchangeRecord,
  status: number,
  body: string,
  nowMs: number,
  random: () => number,
  runtime: Runtime,
): MappedReply {
  const facts: LogFacts = {
    logType: "NotSet",
    status,
    grpcStatus: record.grpcStatus,
    flags: record.flags,
    durationMs: nowMs - record.startMs,
    userAgent: record.request.headers.get("user-agent") ?? "",
    requestId: () => record.request.headers.get("x-request-id"),
    metadata: record.metadata,
    matches: (header) => matchesHeader(header, record.request),
    attributes: () => {
      const known = loggedAttributes().ofExchange(record);
      return { read: (attribute, key) => (attribute === "response.code" ? status : known.read(attribute, key)) };
    },
    random,
    runtime,
  };
  const mapper = config.mappers.find((one) => passesFilter(one.filter, facts));
  const finalStatus = mapper?.status ?? status;
  const text = mapper?.body ?? body;
  const known = exchangeValues(record);
  const values: FormatValues = {
    command: (command) => {
      if (command.name === "LOCAL_REPLY_BODY") return text;
      return command.name === "RESPONSE_CODE" ? String(finalStatus) : known.command(command);
    },
  };
  const format = mapper?.format ?? config.format;
  return {
    status: finalStatus,
    body: format === undefined ? text : renderLine(format.line, values),
    contentType: format?.contentType ?? "text/plain",
    headers: mapper?.headers ?? [],
    values,
  };
}
