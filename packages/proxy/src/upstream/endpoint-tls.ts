import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { err, ok, type Result } from "@heddle/std";
import type { ClusterConfig } from "../config/cluster.ts";
import type { SanMatch, UpstreamTlsConfig } from "../config/tls-context.ts";
import { refusePeer } from "../tls/san-check.ts";
import { alpnWire, type SecureContexts } from "../tls/secure-context.ts";
import type { DialTls } from "../transport/dial.ts";
import type { Host } from "./host.ts";

/** The TLS configuration for an endpoint: the first match of its labels, else the cluster's own. Undefined is plain text. */
export function transportFor(config: ClusterConfig, host: Host): UpstreamTlsConfig | undefined {
  const labels = host.endpoint?.transportLabels;
  for (const match of config.transportMatches) {
    if (labelsMatch(match.labels, labels)) return match.tls;
  }
  return config.tls;
}

function labelsMatch(wanted: JsonObject, labels: JsonObject | undefined): boolean {
  for (const [key, value] of Object.entries(wanted)) {
    if (labels === undefined || !sameJson(labels[key], value)) return false;
  }
  return true;
}

function sameJson(a: JsonValue | undefined, b: JsonValue): boolean {
  return a === b || (typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));
}

/** The name that a request gives its server. Source: Envoy `auto_sni`, `auto_san_validation`. */
export interface ServerName {
  readonly name: string;
  /** The server must prove that it has this name. */
  readonly validate: boolean;
}

function exactName(text: string): SanMatch {
  return { type: "dns", match: { kind: "exact", text, ignoreCase: true } };
}

/** TLS parameters of a dial. `alpn` replaces the configured protocols, as Envoy's filter state does. Errors: missing secrets. */
export function dialTls(
  contexts: SecureContexts,
  config: UpstreamTlsConfig,
  alpn: readonly string[] | undefined,
  serverName?: ServerName | undefined,
): Result<DialTls> {
  const ready = contexts.ready(config);
  if (!ready.ok) return err(ready.error);
  const { context, verifyChain, pins, checks, sessions, own } = ready.value;
  const sans = serverName?.validate === true ? [...ready.value.sans, exactName(serverName.name)] : ready.value.sans;
  const required = verifyChain || pins !== undefined;
  return ok({
    context,
    own,
    alpn: alpnWire(alpn ?? config.alpn),
    sni: serverName?.name ?? config.sni,
    sessions,
    verify: (state, chainError) => refusePeer({ sans, verifyChain, required, pins, checks }, state.peer, chainError),
  });
}
