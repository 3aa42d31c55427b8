import { list, message } from "../schema/compound.ts";
import type { Resource, ResourceDefinition } from "../schema/resource.ts";
import { oneOf, port, string } from "../schema/scalar.ts";
import { type Infer, ignored, refine, required, withDefault } from "../schema/schema.ts";
import { bindAddress, portProtocol } from "./hosts.ts";
import { networkingSelector } from "./selector.ts";
import { serverTls } from "./server-tls.ts";
import { connectionPool } from "./traffic-policy.ts";
import { destination } from "./virtual-service.ts";

const sidecarPort = message("SidecarPort", {
  number: required(port()),
  protocol: withDefault(portProtocol, ""),
  name: withDefault(string(), ""),
  targetPort: ignored(port(), "Istio ignores it, too; say by defaultEndpoint where the application is"),
});

const captureMode = oneOf("DEFAULT", "IPTABLES", "NONE");

/** `namespace/host`: the namespace may be `.`, `*` or `~`, the host may have a leading wildcard. */
const egressHost = refine(string(), (text) => {
  const parts = text.split("/");
  return parts.length === 2 && parts.every((part) => part !== "")
    ? undefined
    : `"${text}" has to be namespace/host, such as ./*, */* or prod/*.svc.cluster.local`;
});

/** Where the application is: a port of the loopback, of the pod's own address, or a unix socket. */
const defaultEndpoint = refine(string(), (text) =>
  /^(127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\[::\]):\d{1,5}$/.test(text) || /^unix:\/\/\/?@?[^\s]+$/.test(text)
    ? undefined
    : `"${text}" has to be 127.0.0.1:PORT, 0.0.0.0:PORT (the pod's address) or unix:///path`,
);

const spec = message(
  "Sidecar",
  {
    workloadSelector: networkingSelector,
    ingress: list(
      message("IstioIngressListener", {
        port: required(sidecarPort),
        bind: ignored(string(), "connections are recognised by their port"),
        captureMode: ignored(captureMode, "inbound connections are always taken from the interception rules"),
        defaultEndpoint,
        tls: serverTls,
        connectionPool,
      }),
    ),
    egress: list(
      message(
        "IstioEgressListener",
        {
          port: sidecarPort,
          bind: bindAddress,
          captureMode,
          hosts: list(egressHost),
        },
        {
          check(value, path, sink) {
            if (value.captureMode === "NONE" && value.port === undefined)
              sink.error(
                `${path}.port`,
                "is required with captureMode NONE: the application has to know where to connect",
              );
            if (value.hosts.length === 0)
              sink.error(`${path}.hosts`, 'needs at least one host; "./*" is the own namespace');
          },
        },
      ),
    ),
    inboundConnectionPool: connectionPool,
    outboundTrafficPolicy: message("OutboundTrafficPolicy", {
      mode: withDefault(oneOf("REGISTRY_ONLY", "ALLOW_ANY"), "REGISTRY_ONLY"),
      egressProxy: destination,
    }),
  },
  {
    check(value, path, sink) {
      const unbound = value.egress.filter((listener) => listener.port === undefined && listener.bind === undefined);
      if (unbound.length > 1) sink.error(`${path}.egress`, "only one egress listener may be without port and bind");
    },
  },
);

/** What the sidecars of a namespace or of some workloads see. Source: istio/api networking/v1alpha3/sidecar.proto. */
export const sidecar: ResourceDefinition<"Sidecar", Infer<typeof spec>> = {
  group: "networking.istio.io",
  kind: "Sidecar",
  plural: "sidecars",
  shortNames: [],
  categories: ["istio-io", "networking-istio-io"],
  versions: ["v1", "v1beta1", "v1alpha3"],
  scope: "Namespaced",
  spec,
  columns: [],
};

export type Sidecar = Resource<"Sidecar", Infer<typeof spec>>;
