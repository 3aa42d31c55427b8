import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { ClusterSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { HttpProtocolOptionsSchema } from "@heddle/xds-api/envoy/extensions/upstreams/http/v3/http_protocol_options";
import { createScope } from "./scope.ts";
import { decodeUpstreamHttp } from "./upstream-http.ts";

const NAME = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

function limitOf(own: number | undefined, typed: number | undefined, named: boolean): number {
  const options = create(HttpProtocolOptionsSchema, {
    upstreamProtocolOptions: {
      case: "explicitHttpConfig",
      value: { protocolConfig: { case: "httpProtocolOptions", value: {} } },
    },
    commonHttpProtocolOptions: typed === undefined ? {} : { maxRequestsPerConnection: typed },
  });
  const any = { typeUrl: `type.googleapis.com/${NAME}`, value: toBinary(HttpProtocolOptionsSchema, options) };
  const cluster = create(ClusterSchema, {
    ...(own === undefined ? {} : { maxRequestsPerConnection: own }),
    typedExtensionProtocolOptions: named ? { [NAME]: any } : {},
  });
  return decodeUpstreamHttp(cluster, createScope()).maxRequestsPerConnection;
}

test("requests per connection: the options' limit, else the cluster's own", () => {
  expect([limitOf(3, undefined, false), limitOf(3, undefined, true), limitOf(3, 5, true)]).toEqual([3, 3, 5]);
  expect([limitOf(undefined, 5, true), limitOf(undefined, undefined, true)]).toEqual([5, 0]);
});
