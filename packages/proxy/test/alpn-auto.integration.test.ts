import { afterAll, beforeAll, expect, test } from "bun:test";
import { createSecureServer, type Http2SecureServer } from "node:http2";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { freePorts } from "@heddle/std/free-ports";
import { foreignCertificate } from "./rig/foreign-certificate.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

/** `auto_config`: each server is spoken to in the version that it chooses by ALPN; filter state offers others, but not where a route switches that off. */
const [listen = 0, admin = 0] = freePorts(2);
const EXT = "type.googleapis.com/envoy.extensions";
let h2: Http2SecureServer;
let h1: Server;
let proxy: ProxyProcess;

function cluster(name: string, port: number): Record<string, unknown> {
  const address = { socket_address: { address: "127.0.0.1", port_value: port } };
  return {
    name,
    type: "STATIC",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
    transport_socket: {
      name: "tls",
      typed_config: { "@type": `${EXT}.transport_sockets.tls.v3.UpstreamTlsContext`, common_tls_context: {} },
    },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${EXT}.upstreams.http.v3.HttpProtocolOptions`,
        auto_config: {},
      },
    },
  };
}

/** Offers HTTP/1.1 only, whatever the cluster would. */
const protocols = {
  name: "protocols",
  typed_config: {
    "@type": `${EXT}.filters.http.set_filter_state.v3.Config`,
    on_request_headers: [
      {
        object_key: "envoy.network.application_protocols",
        format_string: { text_format_source: { inline_string: "http/1.1" } },
        shared_with_upstream: "ONCE",
      },
    ],
  },
};
const off = { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", disabled: true };

beforeAll(async () => {
  const pair = await foreignCertificate();
  h2 = createSecureServer({ ...pair, allowHTTP1: true }, (request, response) => {
    response.end(`${request.httpVersion} ${request.url}`);
  });
  h1 = createServer(pair, (request, response) => void response.end(`${request.httpVersion} ${request.url}`));
  const port = async (server: Server | Http2SecureServer) => {
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  };
  const clusters = [cluster("h2", await port(h2)), cluster("h1", await port(h1))];
  const manager = {
    "@type": `${EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "auto",
    http_filters: [protocols, { name: "router", typed_config: { "@type": `${EXT}.filters.http.router.v3.Router` } }],
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [
            ...["h1", "h2"].map((name) => ({
              match: { prefix: `/${name}` },
              route: { cluster: name },
              typed_per_filter_config: { protocols: off },
            })),
            { match: { prefix: "/told" }, route: { cluster: "h2" } },
          ],
        },
      ],
    },
  };
  proxy = await startProxy({
    engine: "heddle",
    adminPort: admin,
    bootstrap: {
      static_resources: {
        listeners: [
          {
            name: "auto",
            address: { socket_address: { address: "127.0.0.1", port_value: listen } },
            filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
          },
        ],
        clusters,
      },
    },
  });
}, 30_000);

afterAll(async () => {
  await proxy?.stop();
  h2?.close();
  h1?.close();
});

test.each([
  ["h2", "2.0"],
  ["h1", "1.1"],
  ["told", "1.1"],
])(
  "a server that chooses %s",
  async (name, version) => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => (await fetch(`http://127.0.0.1:${listen}/${name}/${i}`)).text()),
    );
    expect(answers).toEqual(answers.map((_, i) => `${version} /${name}/${i}`));
  },
  30_000,
);
