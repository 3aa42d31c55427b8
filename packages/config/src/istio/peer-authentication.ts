import { map, message } from "../schema/compound.ts";
import type { Resource, ResourceDefinition } from "../schema/resource.ts";
import { oneOf } from "../schema/scalar.ts";
import { type Infer, withDefault } from "../schema/schema.ts";
import { workloadSelector } from "./selector.ts";

const mutualTls = message("MutualTLS", {
  mode: withDefault(oneOf("UNSET", "DISABLE", "PERMISSIVE", "STRICT"), "UNSET"),
});

const spec = message(
  "PeerAuthentication",
  { selector: workloadSelector, mtls: mutualTls, portLevelMtls: map(mutualTls) },
  {
    check(value, path, sink) {
      const ports = Object.keys(value.portLevelMtls);
      for (const port of ports) {
        const number = Number(port);
        if (Number.isInteger(number) && number > 0 && number < 65536) continue;
        sink.error(
          `${path}.portLevelMtls[${JSON.stringify(port)}]`,
          "the key has to be a workload port between 1 and 65535",
        );
      }
      const selects = Object.keys(value.selector?.matchLabels ?? {}).length > 0;
      if (ports.length > 0 && !selects) {
        sink.error(
          `${path}.portLevelMtls`,
          "needs a selector: ports belong to workloads; add spec.selector.matchLabels",
        );
      }
    },
  },
);

/** Which of plain text and mutual TLS a workload accepts. Source: istio/api security/v1beta1/peer_authentication.proto. */
export const peerAuthentication: ResourceDefinition<"PeerAuthentication", Infer<typeof spec>> = {
  group: "security.istio.io",
  kind: "PeerAuthentication",
  plural: "peerauthentications",
  shortNames: ["pa"],
  categories: ["istio-io", "security-istio-io"],
  versions: ["v1", "v1beta1"],
  scope: "Namespaced",
  spec,
  columns: [
    {
      name: "Mode",
      type: "string",
      jsonPath: ".spec.mtls.mode",
      description: "Defines the mTLS mode used for peer authentication.",
    },
  ],
};

export type PeerAuthentication = Resource<"PeerAuthentication", Infer<typeof spec>>;

/** How a port treats plain text and mutual TLS, once UNSET is resolved. */
export type Mode = "DISABLE" | "PERMISSIVE" | "STRICT";
