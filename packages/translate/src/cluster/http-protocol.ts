import { create } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { isHttp2, type Protocol } from "@heddle/model";
import { packAny } from "@heddle/xds-api";
import { HttpProtocolOptionsSchema } from "@heddle/xds-api/envoy/extensions/upstreams/http/v3/http_protocol_options";

const key = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

const options = {
  http1: { case: "explicitHttpConfig", value: { protocolConfig: { case: "httpProtocolOptions", value: {} } } },
  http2: { case: "explicitHttpConfig", value: { protocolConfig: { case: "http2ProtocolOptions", value: {} } } },
  asDownstream: { case: "useDownstreamProtocolConfig", value: { httpProtocolOptions: {}, http2ProtocolOptions: {} } },
} as const;

function pack(choice: keyof typeof options): Readonly<Record<string, Any>> {
  return {
    [key]: packAny(
      HttpProtocolOptionsSchema,
      create(HttpProtocolOptionsSchema, { upstreamProtocolOptions: options[choice] }),
    ),
  };
}

/** Which HTTP version the upstream is spoken to in: what the port declares, or what the caller speaks where it is detected. */
export function httpProtocolOptions(protocol: Protocol): Record<string, Any> {
  if (isHttp2(protocol)) return { ...pack("http2") };
  return { ...pack(protocol === "unset" ? "asDownstream" : "http1") };
}
