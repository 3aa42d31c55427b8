import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { ClientTls, ConnectionPool } from "@heddle/config";
import { isHttp2, type Protocol } from "@heddle/model";
import { packAny } from "@heddle/xds-api";
import type {
  HttpProtocolOptionsSchema as CommonOptionsSchema,
  Http2ProtocolOptionsSchema,
} from "@heddle/xds-api/envoy/config/core/v3/protocol";
import { HttpProtocolOptionsSchema } from "@heddle/xds-api/envoy/extensions/upstreams/http/v3/http_protocol_options";
import { protoDuration } from "../proto-duration.ts";

const key = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/**
 * Which HTTP version the upstream is spoken to in: what the port declares, or what the caller speaks where it is detected;
 * a connection pool may ask for an upgrade or for the caller's version, and sets limits.
 */
export function httpProtocolOptions(
  protocol: Protocol,
  pool?: ConnectionPool,
  wide: "DO_NOT_UPGRADE" | "UPGRADE" = "DO_NOT_UPGRADE",
  tls?: ClientTls,
): Record<string, Any> {
  const http = pool?.http;
  const http2 = http2Options(http);
  const own = http?.h2UpgradePolicy ?? "DEFAULT";
  const upgraded = isHttp2(protocol) || own === "UPGRADE" || (own === "DEFAULT" && wide === "UPGRADE");
  const asDownstream = http?.useClientProtocol === true || (protocol === "unset" && !upgraded);
  const common = commonOptions(pool);
  const options = create(HttpProtocolOptionsSchema, {
    ...(common === undefined ? {} : { commonHttpProtocolOptions: common }),
    ...serverNames(tls),
    upstreamProtocolOptions: asDownstream
      ? { case: "useDownstreamProtocolConfig", value: { httpProtocolOptions: {}, http2ProtocolOptions: http2 } }
      : upgraded
        ? { case: "explicitHttpConfig", value: { protocolConfig: { case: "http2ProtocolOptions", value: http2 } } }
        : { case: "explicitHttpConfig", value: { protocolConfig: { case: "httpProtocolOptions", value: {} } } },
  });
  return { [key]: packAny(HttpProtocolOptionsSchema, options) };
}

/**
 * Where a DestinationRule names no server name, the request's does, and the server has to prove that it has it.
 * Source: Istio's ENABLE_AUTO_SNI with VERIFY_CERTIFICATE_AT_CLIENT.
 */
function serverNames(
  tls: ClientTls | undefined,
): Pick<MessageInitShape<typeof HttpProtocolOptionsSchema>, "upstreamHttpProtocolOptions"> {
  if ((tls?.mode !== "SIMPLE" && tls?.mode !== "MUTUAL") || tls.sni !== undefined) return {};
  const autoSanValidation = tls.subjectAltNames.length === 0 && tls.insecureSkipVerify !== true;
  return { upstreamHttpProtocolOptions: { autoSni: true, autoSanValidation } };
}

function http2Options(http: ConnectionPool["http"]): MessageInitShape<typeof Http2ProtocolOptionsSchema> {
  const keepalive = http?.http2KeepAlive;
  return {
    ...(http?.maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams: http.maxConcurrentStreams }),
    ...(keepalive === undefined
      ? {}
      : {
          connectionKeepalive: {
            interval: protoDuration(keepalive.interval ?? 30_000),
            timeout: protoDuration(keepalive.timeout ?? 10_000),
          },
        }),
  };
}

function commonOptions(pool: ConnectionPool | undefined): MessageInitShape<typeof CommonOptionsSchema> | undefined {
  const idle = pool?.http?.idleTimeout;
  const perConnection = pool?.http?.maxRequestsPerConnection;
  const lifetime = pool?.tcp?.maxConnectionDuration;
  if (idle === undefined && perConnection === undefined && lifetime === undefined) return undefined;
  return {
    ...(idle === undefined ? {} : { idleTimeout: protoDuration(idle) }),
    ...(perConnection === undefined ? {} : { maxRequestsPerConnection: perConnection }),
    ...(lifetime === undefined ? {} : { maxConnectionDuration: protoDuration(lifetime) }),
  };
}
