import type { JsonValue } from "@bufbuild/protobuf";
import type { TagConfig } from "../config/custom-tags.ts";
import { renderFormat } from "../config/format.ts";
import { metadataValue } from "../config/value-match.ts";
import { textOfBytes } from "../config/wire-text.ts";
import type { ExchangeRecord } from "../http/exchange-record.ts";
import { exchangeValues } from "../http/exchange-values.ts";
import { hostMetadata } from "../http/metadata-values.ts";
import type { TcpRecord } from "../network/tcp-record.ts";
import { tcpValues } from "../network/tcp-values.ts";

type TaggedRecord = ExchangeRecord | TcpRecord;

/** Configured tags; those without a value are left out. */
export function customTags(
  tags: readonly TagConfig[],
  record: TaggedRecord,
  env: (name: string) => string | undefined,
): readonly (readonly [name: string, value: string])[] {
  return tags.flatMap((tag) => {
    const value = tagValue(tag, record, env) || tag.fallback;
    return value === "" ? [] : [[tag.name, value] as const];
  });
}

function tagValue(tag: TagConfig, record: TaggedRecord, env: (name: string) => string | undefined): string {
  switch (tag.kind) {
    case "literal":
      return tag.text;
    case "format":
      return renderFormat(tag.format, "request" in record ? exchangeValues(record) : tcpValues(record), "");
    case "environment":
      return env(tag.variable) ?? "";
    case "header":
      return "request" in record ? headerOf(record, tag.header) : "";
    case "metadata":
      return jsonText(metadataValue(metadataOf(tag.of, tag.filter, record), tag.path));
  }
}

function headerOf({ request }: ExchangeRecord, name: string): string {
  switch (name) {
    case ":path":
      return request.path;
    case ":method":
      return request.method;
    case ":authority":
      return request.authority;
    case ":scheme":
      return request.scheme;
    default:
      return textOfBytes(request.headers.get(name) ?? "");
  }
}

function metadataOf(
  of: Extract<TagConfig, { kind: "metadata" }>["of"],
  filter: string,
  record: TaggedRecord,
): JsonValue | undefined {
  switch (of) {
    case "request":
      return ("request" in record ? record : record.connection).metadata?.get(filter);
    case "route":
      return "request" in record ? record.route?.route.metadata?.[filter] : undefined;
    case "cluster":
      return record.cluster?.config.metadata?.[filter];
    case "host":
      return hostMetadata(record.host, filter);
  }
}

function jsonText(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
