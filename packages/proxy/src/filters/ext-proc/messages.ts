import { create, type JsonObject, type JsonValue, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Expression } from "@heddle/expression";
import {
  type ProcessingRequest,
  ProcessingRequestSchema,
} from "@heddle/xds-api/envoy/service/ext_proc/v3/external_processor";
import type { ExtProcConfig } from "../../config/filters/ext-proc.ts";
import { PROTOCOL_BODY_MODE } from "../../config/filters/processing-mode.ts";
import { matchesString, type StringMatch } from "../../config/string-match.ts";
import type { ExchangeRecord } from "../../http/exchange-record.ts";
import { loggedAttributes } from "../../telemetry/record-attributes.ts";
import type { HeaderFields } from "./header-fields.ts";

export type MessageParts = MessageInitShape<typeof ProcessingRequestSchema>;
type Fields = Pick<ExtProcConfig, "allowedHeaders" | "disallowedHeaders">;

/** Headers as the processor may see them: bytes, in their order. */
export function headerMap(fields: HeaderFields, config: Fields): { headers: { key: string; rawValue: Uint8Array }[] } {
  const headers: { key: string; rawValue: Uint8Array }[] = [];
  for (const [key, value] of fields.entries())
    if (mayTell(config, key)) headers.push({ key, rawValue: Buffer.from(value, "latin1") });
  return { headers };
}

function mayTell(config: Fields, name: string): boolean {
  const isIn = (list: readonly StringMatch[]): boolean => list.some((match) => matchesString(match, name));
  if (isIn(config.disallowedHeaders)) return false;
  return config.allowedHeaders.length === 0 || isIn(config.allowedHeaders);
}

/** Under the filter's name, as Envoy has them; undefined: none was asked for. */
export function attributesOf(expressions: readonly Expression[], record: ExchangeRecord): MessageParts["attributes"] {
  if (expressions.length === 0) return undefined;
  const values: Record<string, JsonValue> = {};
  const source = loggedAttributes().ofExchange(record);
  for (const expression of expressions) {
    const value = expression.evaluate(source);
    if (value === undefined || typeof value === "object") continue;
    values[expression.text] = typeof value === "bigint" ? Number(value) : value;
  }
  return { [FILTER]: values };
}

/** Metadata of the namespaces that the processor sees. */
export function metadataOf(
  namespaces: readonly string[] | undefined,
  metadata: ReadonlyMap<string, JsonValue> | undefined,
): MessageParts["metadataContext"] {
  const filterMetadata: Record<string, JsonObject> = {};
  for (const name of namespaces ?? []) {
    const value = metadata?.get(name);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) filterMetadata[name] = value;
  }
  return { filterMetadata };
}

/** What the first message says of how the stream goes. */
export function protocolOf(config: ExtProcConfig): NonNullable<MessageParts["protocolConfig"]> {
  return {
    requestBodyMode: PROTOCOL_BODY_MODE[config.processing.request.body],
    responseBodyMode: PROTOCOL_BODY_MODE[config.processing.response.body],
    sendBodyWithoutWaitingForHeaderResponse: config.bodyAhead,
  };
}

export function encode(parts: MessageParts): Uint8Array {
  const message: ProcessingRequest = create(ProcessingRequestSchema, parts);
  return toBinary(ProcessingRequestSchema, message);
}

const FILTER = "envoy.filters.http.ext_proc";
