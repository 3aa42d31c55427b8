import { HttpInspectorSchema } from "@heddle/xds-api/envoy/extensions/filters/listener/http_inspector/v3/http_inspector";
import { OriginalDstSchema } from "@heddle/xds-api/envoy/extensions/filters/listener/original_dst/v3/original_dst";
import {
  type ProxyProtocol,
  ProxyProtocol_RuleSchema,
  ProxyProtocolSchema,
} from "@heddle/xds-api/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol";
import { TlsInspectorSchema } from "@heddle/xds-api/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import type { ListenerFilter } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** What may look at a connection before its chain is chosen. */
export type ListenerFilterKind = "original-dst" | "tls-inspector" | "http-inspector" | "proxy-protocol";

/** The PROXY header that a load balancer in front sends. */
export interface ProxyProtocolConfig {
  /** Connections without a header are served as they are. */
  readonly optional: boolean;
  readonly allowV1: boolean;
  readonly allowV2: boolean;
  /** Type-length-values of the header that become metadata of the connection. */
  readonly rules: readonly TlvRule[];
}

/** What is remembered of a header. Source: Envoy `ProxyProtocol.Rule`. */
export interface TlvRule {
  readonly type: number;
  readonly namespace: string;
  readonly key: string;
}

export interface ListenerFiltersConfig {
  readonly kinds: readonly ListenerFilterKind[];
  /** Undefined: no header is expected. */
  readonly proxyProtocol: ProxyProtocolConfig | undefined;
  /** Somebody wants to know what kind of client it is. Source: Envoy `enable_ja3_fingerprinting`, `enable_ja4_fingerprinting`. */
  readonly ja3: boolean;
  readonly ja4: boolean;
}

type Decoded = {
  readonly kind: ListenerFilterKind;
  readonly proxyProtocol?: ProxyProtocolConfig;
  readonly ja3?: boolean;
  readonly ja4?: boolean;
};

export const TLS_INSPECTOR_SHAPE = shape(
  TlsInspectorSchema,
  ["enable_ja3_fingerprinting", "enable_ja4_fingerprinting"],
  {
    initial_read_buffer_size: "only a first guess: a longer ClientHello is read, too",
  },
);

export const PROXY_PROTOCOL_FILTER_SHAPE = shape(
  ProxyProtocolSchema,
  ["allow_requests_without_proxy_protocol", "disallowed_versions", "rules"],
  { stat_prefix: "only names statistics" },
  { pass_through_tlvs: "type-length-values of the header are not sent on; use rules for what logs and policies need" },
);
export const TLV_RULE_SHAPE = shape(ProxyProtocol_RuleSchema, ["tlv_type", "on_tlv_present"]);

/** The namespace of what rules keep. Source: Envoy. */
const PROXY_PROTOCOL = "envoy.filters.listener.proxy_protocol";

export const LISTENER_FILTERS: AnyTable<Decoded> = {
  [OriginalDstSchema.typeName]: messageEntry(OriginalDstSchema, () => ({ kind: "original-dst" })),
  [TlsInspectorSchema.typeName]: messageEntry(TlsInspectorSchema, (message, scope) => {
    checkShape(TLS_INSPECTOR_SHAPE, message, scope);
    return {
      kind: "tls-inspector",
      ja3: message.enableJa3Fingerprinting ?? false,
      ja4: message.enableJa4Fingerprinting ?? false,
    };
  }),
  [HttpInspectorSchema.typeName]: messageEntry(HttpInspectorSchema, () => ({ kind: "http-inspector" })),
  [ProxyProtocolSchema.typeName]: messageEntry(ProxyProtocolSchema, decodeProxyProtocol),
};

/** Listener filters that the proxy has; for the reference. */
export const LISTENER_FILTER_TYPES: readonly string[] = Object.keys(LISTENER_FILTERS);

function decodeProxyProtocol(message: ProxyProtocol, scope: DecodeScope): Decoded {
  checkShape(PROXY_PROTOCOL_FILTER_SHAPE, message, scope);
  const rules = message.rules.flatMap((rule, i): readonly TlvRule[] => {
    const at = scope.field("rules").item(i);
    checkShape(TLV_RULE_SHAPE, rule, at);
    if (rule.tlvType > 255) at.field("tlv_type").problem(`is ${rule.tlvType}; types are below 256`);
    const { onTlvPresent: kept } = rule;
    // Source: Envoy keeps it under an empty key.
    if (kept === undefined) return [{ type: rule.tlvType, namespace: PROXY_PROTOCOL, key: "" }];
    if (kept.key === "") at.field("on_tlv_present.key").problem("the metadata needs a key");
    return [{ type: rule.tlvType, namespace: kept.metadataNamespace || PROXY_PROTOCOL, key: kept.key }];
  });
  return {
    kind: "proxy-protocol",
    proxyProtocol: {
      optional: message.allowRequestsWithoutProxyProtocol,
      allowV1: !message.disallowedVersions.includes(0),
      allowV2: !message.disallowedVersions.includes(1),
      rules,
    },
  };
}

export function decodeListenerFilters(messages: readonly ListenerFilter[], scope: DecodeScope): ListenerFiltersConfig {
  const kinds: ListenerFilterKind[] = [];
  let proxyProtocol: ProxyProtocolConfig | undefined;
  let ja3 = false;
  let ja4 = false;
  messages.forEach((filter, i) => {
    const at = scope.item(i);
    if (filter.configType.case === "configDiscovery") {
      at.field("config_discovery").problem("filter configuration over ECDS is not implemented; send typed_config");
      return;
    }
    // For the others it only spares work: the proxy inspects no more than the chains ask for.
    const decoded = decodeAny(filter.configType.value, LISTENER_FILTERS, at.field("typed_config"));
    if (decoded === undefined) return;
    if (filter.filterDisabled !== undefined && decoded.kind === "proxy-protocol")
      at.field("filter_disabled").problem("refused: the header is read on every connection, or on none");
    kinds.push(decoded.kind);
    proxyProtocol ??= decoded.proxyProtocol;
    ja3 ||= decoded.ja3 === true;
    ja4 ||= decoded.ja4 === true;
  });
  return { kinds, proxyProtocol, ja3, ja4 };
}
