import { type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import type { HeaderList, RequestHead } from "@heddle/wire";
import { readMessage } from "@heddle/xds-api";
import type { HeaderToMetadataConfig, MetadataRule, MetadataWrite } from "../config/filters/header-to-metadata.ts";
import { textOfBytes } from "../config/wire-text.ts";
import { joinedValue, pseudoHeader } from "../router/header-values.ts";
import { cookieIn } from "../router/host-criteria.ts";
import { decodeBase64 } from "./decode-base64.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";
import { leaveMetadata } from "./leave-metadata.ts";

/** Longer values are left out. Source: Envoy `MAX_HEADER_VALUE_LEN`. Units: bytes. */
const MAX_VALUE = 8 * 1024;
const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$|^\s*0[xX][\da-fA-F]+\s*$/;

/** Names of its statistics, and what is behind them. Source: Envoy `http_filter_name.PREFIX.*`. */
export const HEADER_TO_METADATA_STATS = [
  "base64_decode_failed",
  "header_value_too_long",
  "regex_substitution_failed",
  "request_header_not_found",
  "request_metadata_added",
  "request_rules_processed",
  "response_header_not_found",
  "response_metadata_added",
  "response_rules_processed",
] as const;

/** Leaves values of headers for other filters, logs and balancing. Source: Envoy `envoy.filters.http.header_to_metadata`. */
class HeaderToMetadataFilter implements HttpFilter {
  readonly #config: HeaderToMetadataConfig;
  readonly #around: FilterSurroundings;

  constructor(config: HeaderToMetadataConfig, around: FilterSurroundings) {
    this.#config = config;
    this.#around = around;
  }

  onRequest(call: FilterCall): boolean {
    const { request, response } = this.#config;
    const { headers } = call.request;
    this.#apply(request, headers, call.request, "request", call.metadata);
    if (response.length > 0)
      call.onResponse((head) => {
        const status = String(head.status);
        this.#apply(response, head.headers, undefined, "response", call.metadata, status);
      });
    return true;
  }

  #apply(
    rules: readonly MetadataRule[],
    headers: HeaderList,
    head: RequestHead | undefined,
    direction: "request" | "response",
    metadata: Map<string, JsonValue>,
    status = "",
  ): void {
    const found = new Map<string, JsonObject>();
    for (const rule of rules) {
      this.#count(`${direction}_rules_processed`);
      const value = valueFor(rule, headers, head, status);
      const write = value === undefined ? rule.missing : rule.present;
      if (write === undefined) continue;
      if (value === undefined) this.#count(`${direction}_header_not_found`);
      const result = this.#resultOf(write, value ?? "");
      if (result === undefined) continue;
      this.#count(`${direction}_metadata_added`);
      const fields = found.get(write.namespace) ?? {};
      fields[write.key] = result;
      found.set(write.namespace, fields);
    }
    for (const [namespace, fields] of found) leaveMetadata(metadata, namespace, fields);
  }

  /** Undefined: nothing is left. */
  #resultOf(write: MetadataWrite, found: string): JsonValue | undefined {
    let value = textOfBytes(found);
    if (write.rewrite !== undefined) {
      value = write.rewrite.apply(value);
      if (value === "" && found !== "") this.#count("regex_substitution_failed");
    } else if (write.value !== "") value = write.value;
    if (value === "") return undefined;
    let bytes: Buffer = Buffer.from(value);
    if (bytes.length >= MAX_VALUE) {
      this.#count("header_value_too_long");
      return undefined;
    }
    if (write.base64) {
      const decoded = decodeBase64(value);
      if (decoded === undefined) {
        this.#count("base64_decode_failed");
        return undefined;
      }
      bytes = decoded;
    }
    if (write.type === "message") return readValue(bytes);
    const text = textOfBytes(bytes.toString("latin1"));
    if (write.type === "string") return text;
    const number = NUMBER.test(text) ? Number(text) : Number.NaN;
    return Number.isFinite(number) ? number : undefined;
  }

  #count(name: (typeof HEADER_TO_METADATA_STATS)[number]): void {
    if (this.#config.statPrefix !== "") this.#around.countAlone(`http_filter_name.${this.#config.statPrefix}.${name}`);
  }
}

function valueFor(
  { from, name, removes }: MetadataRule,
  headers: HeaderList,
  head: RequestHead | undefined,
  status: string,
): string | undefined {
  if (from === "cookie") return cookieIn(headers, name) || undefined;
  if (name === ":status" && status !== "") return status;
  const value = (head && pseudoHeader(name, head)) ?? joinedValue(headers, name);
  if (removes && value !== undefined) headers.remove(name);
  return value;
}

/** A `google.protobuf.Value`; undefined: the bytes are none. */
function readValue(bytes: Buffer): JsonValue | undefined {
  try {
    const value = readMessage(ValueSchema, bytes);
    return value.kind.case === undefined ? null : toJson(ValueSchema, value);
  } catch {
    return undefined;
  }
}

export function createHeaderToMetadataFilter(config: HeaderToMetadataConfig, around: FilterSurroundings): HttpFilter {
  return new HeaderToMetadataFilter(config, around);
}
