import {
  type Config,
  type Config_KeyValuePair,
  Config_KeyValuePairSchema,
  type Config_Rule,
  Config_RuleSchema,
  Config_ValueEncode,
  Config_ValueType,
  ConfigSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata";
import { compileRewrite, type RegexRewrite } from "../regex.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";

/** Headers and cookies whose values filters, logs and balancing may look at. */
export interface HeaderToMetadataConfig {
  readonly kind: "header-to-metadata";
  readonly request: readonly MetadataRule[];
  readonly response: readonly MetadataRule[];
  /** In front of the names of its statistics; "": nothing is counted. */
  readonly statPrefix: string;
}

export interface MetadataRule {
  readonly from: "header" | "cookie";
  /** Headers in lower case. */
  readonly name: string;
  readonly present: MetadataWrite | undefined;
  readonly missing: MetadataWrite | undefined;
  /** The header goes no further. */
  readonly removes: boolean;
}

export interface MetadataWrite {
  readonly namespace: string;
  readonly key: string;
  /** In place of what was found; "": that. */
  readonly value: string;
  readonly rewrite: RegexRewrite | undefined;
  readonly type: "string" | "number" | "message";
  readonly base64: boolean;
}

export const HEADER_TO_METADATA_SHAPE = shape(ConfigSchema, ["request_rules", "response_rules", "stat_prefix"]);
export const METADATA_RULE_SHAPE = shape(Config_RuleSchema, [
  "header",
  "cookie",
  "on_header_present",
  "on_header_missing",
  "remove",
]);
export const METADATA_WRITE_SHAPE = shape(Config_KeyValuePairSchema, [
  "metadata_namespace",
  "key",
  "value",
  "regex_value_rewrite",
  "type",
  "encode",
]);

export function decodeHeaderToMetadata(message: Config, scope: DecodeScope): HeaderToMetadataConfig {
  checkShape(HEADER_TO_METADATA_SHAPE, message, scope);
  return {
    kind: "header-to-metadata",
    request: decodeRules(message.requestRules, scope.field("request_rules")),
    response: decodeRules(message.responseRules, scope.field("response_rules")),
    statPrefix: message.statPrefix,
  };
}

/** Errors: as the filter's, and a route that says nothing. */
export function decodeHeaderToMetadataRoute(message: Config, scope: DecodeScope): HeaderToMetadataConfig {
  if (message.requestRules.length + message.responseRules.length === 0)
    scope.problem("a route's configuration needs request_rules or response_rules");
  return decodeHeaderToMetadata(message, scope);
}

function decodeRules(rules: readonly Config_Rule[], scope: DecodeScope): readonly MetadataRule[] {
  return rules.map((rule, i) => decodeRule(rule, scope.item(i)));
}

function decodeRule(rule: Config_Rule, scope: DecodeScope): MetadataRule {
  checkShape(METADATA_RULE_SHAPE, rule, scope);
  const { header, cookie, onHeaderPresent, onHeaderMissing } = rule;
  if (header !== "" && cookie !== "") scope.problem("a rule looks at a header or a cookie, not at both");
  if (header === "" && cookie === "") scope.problem("a rule needs header or cookie");
  if (cookie !== "" && rule.remove) scope.field("remove").problem("only headers can be removed");
  if (onHeaderPresent === undefined && onHeaderMissing === undefined)
    scope.problem("a rule needs on_header_present or on_header_missing");
  if (onHeaderMissing !== undefined && onHeaderMissing.value === "")
    scope.field("on_header_missing").field("value").problem("is required where there is nothing to take it from");
  return {
    from: header === "" ? "cookie" : "header",
    name: header === "" ? cookie : header.toLowerCase(),
    present: onHeaderPresent && decodeWrite(onHeaderPresent, scope.field("on_header_present")),
    missing: onHeaderMissing && decodeWrite(onHeaderMissing, scope.field("on_header_missing")),
    removes: rule.remove,
  };
}

function decodeWrite(pair: Config_KeyValuePair, scope: DecodeScope): MetadataWrite {
  checkShape(METADATA_WRITE_SHAPE, pair, scope);
  if (pair.key === "") scope.field("key").problem("is required");
  const { regexValueRewrite: rewrite } = pair;
  if (rewrite !== undefined && pair.value !== "")
    scope.field("regex_value_rewrite").problem("changes what was found, and value takes its place; set one of them");
  const at = scope.field("regex_value_rewrite").field("pattern").field("regex");
  return {
    namespace: pair.metadataNamespace || "envoy.filters.http.header_to_metadata",
    key: pair.key,
    value: pair.value,
    rewrite: rewrite && compileRewrite(rewrite.pattern?.regex ?? "", rewrite.substitution, at),
    type:
      pair.type === Config_ValueType.NUMBER
        ? "number"
        : pair.type === Config_ValueType.PROTOBUF_VALUE
          ? "message"
          : "string",
    base64: pair.encode === Config_ValueEncode.BASE64,
  };
}
