import { isUtf8 } from "node:buffer";
import type { JsonValue } from "@bufbuild/protobuf";
import { type ProxyTlv, readProxyHeader } from "@heddle/wire";
import type { ProxyProtocolConfig, TlvRule } from "../config/listener-filters.ts";
import { leaveMetadata } from "../filters/leave-metadata.ts";
import type { SocketAddress } from "../transport/address.ts";

/** What the first bytes of a connection behind a load balancer say. */
export type ClientHeader =
  | { readonly kind: "incomplete" }
  | { readonly kind: "wrong"; readonly reason: string }
  | {
      readonly kind: "read";
      readonly bytes: number;
      /** Undefined: the balancer's own connection, or it did not say. */
      readonly source: SocketAddress | undefined;
      readonly destination: SocketAddress | undefined;
      /** What rules keep of it, by namespace; undefined: nothing. */
      readonly metadata: Map<string, JsonValue> | undefined;
    };

const NONE: ClientHeader = { kind: "read", bytes: 0, source: undefined, destination: undefined, metadata: undefined };

/** Reads a PROXY header. Source: Envoy `envoy.filters.listener.proxy_protocol`, HAProxy proxy-protocol.txt. */
export function readClientHeader(bytes: Uint8Array, config: ProxyProtocolConfig): ClientHeader {
  const first = bytes[0];
  if (first === undefined) return { kind: "incomplete" };
  const looksLikeV1 = first === 0x50;
  const allowed = looksLikeV1 ? config.allowV1 : config.allowV2;
  const read = readProxyHeader(bytes);
  if (read === undefined) return { kind: "incomplete" };
  if (!read.ok) return config.optional ? NONE : { kind: "wrong", reason: read.error };
  // Source: Envoy: a version that is not allowed is no header where none is needed.
  if (!allowed && config.optional) return NONE;
  if (!allowed) return { kind: "wrong", reason: `version ${looksLikeV1 ? 1 : 2} of the header is not allowed` };
  const { header } = read.value;
  const ip = header.kind === "proxied" && (header.family === "ipv4" || header.family === "ipv6");
  const address = (end: typeof header.source): SocketAddress | undefined =>
    ip && end !== undefined ? { ip: end.host, port: end.port } : undefined;
  return {
    kind: "read",
    bytes: read.value.bytes,
    source: address(header.source),
    destination: address(header.destination),
    metadata: keptValues(header.tlvs, config.rules),
  };
}

function keptValues(tlvs: readonly ProxyTlv[], rules: readonly TlvRule[]): Map<string, JsonValue> | undefined {
  if (rules.length === 0) return undefined;
  let metadata: Map<string, JsonValue> | undefined;
  const taken = new Set<number>();
  for (const { type, value } of tlvs) {
    const rule = rules.find((one) => one.type === type);
    // Of several of a type the first counts. Source: Envoy.
    if (rule === undefined || taken.has(type)) continue;
    taken.add(type);
    metadata ??= new Map();
    leaveMetadata(metadata, rule.namespace, { [rule.key]: plainText(value) });
  }
  return metadata;
}

/** Source: Envoy writes `!` for each byte that is no part of UTF-8. */
function plainText(value: Uint8Array): string {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  if (isUtf8(bytes)) return bytes.toString("utf8");
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] ?? 0;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const character = bytes.subarray(at, at + length);
    const valid = isUtf8(character);
    text += valid ? character.toString("utf8") : "!";
    at += valid ? length : 1;
  }
  return text;
}
