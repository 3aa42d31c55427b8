import { labelSelector } from "../kube/label-selector.ts";
import { list, message } from "../schema/compound.ts";
import type { Resource, ResourceDefinition } from "../schema/resource.ts";
import { duration, string } from "../schema/scalar.ts";
import { type Infer, required, withDefault } from "../schema/schema.ts";

/** Numbers are strings in this resource, as in Linkerd's. */
function isNumber(text: string | undefined, from: number, to: number): boolean {
  return text === undefined || (/^\d+$/.test(text) && Number(text) >= from && Number(text) <= to);
}

const spec = message(
  "Link",
  {
    targetClusterName: required(string()),
    targetClusterDomain: withDefault(string(), "cluster.local"),
    targetClusterLinkerdNamespace: withDefault(string(), "linkerd"),
    clusterCredentialsSecret: required(string()),
    gatewayAddress: withDefault(string(), ""),
    gatewayPort: withDefault(string(), "4143"),
    gatewayIdentity: withDefault(string(), ""),
    probeSpec: message("ProbeSpec", {
      path: withDefault(string(), "/ready"),
      port: withDefault(string(), "4191"),
      period: withDefault(duration(100), 3000),
      timeout: withDefault(duration(100), 30_000),
      failureThreshold: withDefault(string(), "3"),
    }),
    selector: labelSelector,
    remoteDiscoverySelector: labelSelector,
    federatedServiceSelector: labelSelector,
    excludedAnnotations: list(string()),
    excludedLabels: list(string()),
  },
  {
    check(value, path, sink) {
      const name = value.targetClusterName ?? "";
      if (!/^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$/.test(name))
        sink.error(
          `${path}.targetClusterName`,
          `"${name}" can't end the names of Services; use at most 53 small letters, digits and dashes`,
        );
      if (!isNumber(value.gatewayPort, 1, 65_535))
        sink.error(`${path}.gatewayPort`, `"${value.gatewayPort}" is no port (1 to 65535)`);
      if (!isNumber(value.probeSpec?.port, 1, 65_535))
        sink.error(`${path}.probeSpec.port`, `"${value.probeSpec?.port}" is no port (1 to 65535)`);
      if (!isNumber(value.probeSpec?.failureThreshold, 1, 1000))
        sink.error(`${path}.probeSpec.failureThreshold`, `"${value.probeSpec?.failureThreshold}" is no count above 0`);
    },
  },
);

/**
 * Another cluster whose exported Services are mirrored in this one. Source: Linkerd's Link. It is no part of the mesh's model: the service
 * mirror reads it.
 */
export const linkDefinition: ResourceDefinition<"Link", Infer<typeof spec>> = {
  group: "multicluster.linkerd.io",
  kind: "Link",
  plural: "links",
  shortNames: [],
  categories: [],
  versions: ["v1alpha3", "v1alpha2", "v1alpha1"],
  scope: "Namespaced",
  spec,
  columns: [],
};

export type Link = Resource<"Link", Infer<typeof spec>>;
