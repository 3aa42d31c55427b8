import { list, map, message } from "../schema/compound.ts";
import type { Resource, ResourceDefinition } from "../schema/resource.ts";
import { oneOf, port, string } from "../schema/scalar.ts";
import { type Infer, ignored, refine, required } from "../schema/schema.ts";
import { bindAddress, isHostPattern } from "./hosts.ts";
import { serverTls } from "./server-tls.ts";

const gatewayPort = message("Port", {
  number: required(port()),
  protocol: required(oneOf("HTTP", "HTTPS", "GRPC", "GRPC-WEB", "HTTP2", "MONGO", "TCP", "TLS")),
  name: required(string()),
  targetPort: ignored(port(), "the Service of the gateway says where its port leads"),
});

/** `host` or `namespace/host`; the namespace (`*`, `.` or a name) says whose VirtualServices may use the host. */
const serverHost = refine(string(), (text) => {
  const parts = text.split("/");
  const host = parts[parts.length - 1] ?? "";
  return parts.length <= 2 && parts[0] !== "" && isHostPattern(host)
    ? undefined
    : `"${text}" is not a host; write a name, *.name, *, or namespace/host`;
});

const server = message(
  "Server",
  {
    port: required(gatewayPort),
    bind: bindAddress,
    hosts: list(serverHost),
    tls: serverTls,
    defaultEndpoint: ignored(string(), "Istio never used it; write a VirtualService"),
    name: string(),
  },
  {
    check(value, path, sink) {
      if (value.hosts.length === 0) sink.error(`${path}.hosts`, 'needs at least one host; "*" takes all');
      const { protocol } = value.port;
      const secure = protocol === "HTTPS" || protocol === "TLS";
      if (secure && value.tls === undefined)
        sink.error(`${path}.tls`, `is required for protocol ${protocol}; give mode and credentialName`);
      if (secure && value.tls?.httpsRedirect === true)
        sink.error(`${path}.tls.httpsRedirect`, `is for plain-text ports; this one speaks ${protocol}`);
      if (!secure && value.tls !== undefined && value.tls.httpsRedirect !== true)
        sink.error(`${path}.tls`, `protocol ${protocol} is plain text; use HTTPS or TLS, or only httpsRedirect`);
      if (protocol === "HTTPS" && value.tls?.mode === "AUTO_PASSTHROUGH")
        sink.error(`${path}.tls.mode`, "AUTO_PASSTHROUGH needs protocol TLS");
    },
  },
);

const spec = message(
  "Gateway",
  { servers: list(server), selector: map(string()) },
  {
    check(value, path, sink) {
      if (value.servers.length === 0) sink.error(`${path}.servers`, "needs at least one server");
      const names = new Set<string>();
      value.servers.forEach((entry, index) => {
        const { name } = entry.port;
        if (names.has(name))
          sink.error(`${path}.servers[${index}].port.name`, `${name} is there twice; names of ports have to differ`);
        names.add(name);
      });
    },
  },
);

/** What a gateway's proxies listen on. Source: istio/api networking/v1alpha3/gateway.proto. */
export const gateway: ResourceDefinition<"Gateway", Infer<typeof spec>> = {
  group: "networking.istio.io",
  kind: "Gateway",
  plural: "gateways",
  shortNames: ["gw"],
  categories: ["istio-io", "networking-istio-io"],
  versions: ["v1", "v1beta1", "v1alpha3"],
  scope: "Namespaced",
  spec,
  columns: [],
};

export type Gateway = Resource<"Gateway", Infer<typeof spec>>;
export type GatewayServerSpec = Infer<typeof server>;
