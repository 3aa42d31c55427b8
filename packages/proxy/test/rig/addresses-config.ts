import { bareHttpChain, cluster, type Json, listener } from "./bootstrap.ts";

/** Servers by what they do; one of them is on IPv6. */
export interface AddressServers {
  /** Answer "four" and "six". */
  readonly four: number;
  readonly six: number;
  /** The same with TLS: answers "secure". */
  readonly secure: number;
  /** Two that take connections and say nothing. */
  readonly mute: number;
  readonly muteToo: number;
}

const TYPE = "type.googleapis.com/envoy.extensions";
const at = (ip: string, port: number): Json => ({ socket_address: { address: ip, port_value: port } });
/** Nobody listens there. */
const DEAD = at("127.0.0.1", 1);
const DEAD_TOO = at("::1", 1);
const TLS: Json = {
  transport_socket: {
    name: "tls",
    typed_config: { "@type": `${TYPE}.transport_sockets.tls.v3.UpstreamTlsContext` },
  },
};
const eyeballs = (fields: Json): Json => ({ upstream_connection_options: { happy_eyeballs_config: fields } });

/** One host of several addresses for each cluster, in the order in which they are given. Requests name their cluster in `x-cluster`. */
export function addressesBootstrap(listen: number, tcp: number, servers: AddressServers): Json {
  const four = at("127.0.0.1", servers.four);
  const six = at("::1", servers.six);
  const secure = at("127.0.0.1", servers.secure);
  const mute = at("127.0.0.1", servers.mute);
  const host = (name: string, [address, ...more]: readonly Json[], fields: Json = {}): Json =>
    cluster(name, [], "http1", {
      load_assignment: {
        cluster_name: name,
        endpoints: [
          {
            lb_endpoints: [{ endpoint: { address, additional_addresses: more.map((other) => ({ address: other })) } }],
          },
        ],
      },
      ...fields,
    });
  const relay = { "@type": `${TYPE}.filters.network.tcp_proxy.v3.TcpProxy`, stat_prefix: "tcp", cluster: "refused" };
  return {
    static_resources: {
      listeners: [
        listener("in", listen, [
          bareHttpChain([{ match: { prefix: "/" }, route: { cluster_header: "x-cluster", timeout: "9s" } }]),
        ]),
        listener("tcp", tcp, [{ filters: [{ name: "tcp", typed_config: relay }] }]),
      ],
      clusters: [
        host("first", [four, six]),
        host("refused", [DEAD, six]),
        host("wanted", [four, six], eyeballs({ first_address_family_version: "V6" })),
        host(
          "counted",
          [four, six, DEAD_TOO],
          eyeballs({ first_address_family_version: "V6", first_address_family_count: 2 }),
        ),
        host("given", [six, four]),
        host("nobody", [DEAD, DEAD_TOO]),
        host("silent", [mute, secure], TLS),
        host("late", [mute, at("127.0.0.1", servers.muteToo)], { ...TLS, connect_timeout: "0.8s" }),
      ],
    },
  };
}
