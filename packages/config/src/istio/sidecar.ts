import { list, message } from "../schema/compound.ts";
import type { Resource, ResourceDefinition } from "../schema/resource.ts";
import { oneOf, port, string } from "../schema/scalar.ts";
import { type Infer, notYet, refine, required, withDefault } from "../schema/schema.ts";
import { networkingSelector } from "./selector.ts";
import { connectionPool } from "./traffic-policy.ts";

const sidecarPort = message("SidecarPort", {
  number: required(port()),
  protocol: withDefault(string(), ""),
  name: withDefault(string(), ""),
});

const captureMode = oneOf("DEFAULT", "IPTABLES", "NONE");

/** `namespace/host`: the namespace may be `.`, `*` or `~`, the host may have a leading wildcard. */
const egressHost = refine(string(), (text) => {
  const parts = text.split("/");
  return parts.length === 2 && parts.every((part) => part !== "")
    ? undefined
    : `"${text}" has to be namespace/host, such as ./*, */* or prod/*.svc.cluster.local`;
});

const spec = message(
  "Sidecar",
  {
    workloadSelector: networkingSelector,
    ingress: notYet(
      list(
        message("IstioIngressListener", {
          port: required(sidecarPort),
          bind: string(),
          captureMode,
          defaultEndpoint: string(),
          connectionPool,
        }),
      ),
    ),
    egress: list(
      message(
        "IstioEgressListener",
        {
          port: notYet(sidecarPort),
          bind: notYet(string()),
          captureMode: notYet(captureMode),
          hosts: list(egressHost),
        },
        {
          check(value, path, sink) {
            if (value.hosts.length === 0)
              sink.error(`${path}.hosts`, 'needs at least one host; "./*" is the own namespace');
          },
        },
      ),
    ),
    inboundConnectionPool: notYet(connectionPool),
    outboundTrafficPolicy: message("OutboundTrafficPolicy", {
      mode: withDefault(oneOf("REGISTRY_ONLY", "ALLOW_ANY"), "REGISTRY_ONLY"),
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
