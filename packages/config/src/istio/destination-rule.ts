import { list, map, message } from "../schema/compound.ts";
import type { Resource, ResourceDefinition } from "../schema/resource.ts";
import { string } from "../schema/scalar.ts";
import { type Infer, required } from "../schema/schema.ts";
import { exportTarget, hostPattern } from "./hosts.ts";
import { workloadSelector } from "./selector.ts";
import { trafficPolicy } from "./traffic-policy.ts";

const subset = message("Subset", { name: required(string()), labels: map(string()), trafficPolicy });

const spec = message(
  "DestinationRule",
  {
    host: required(hostPattern),
    trafficPolicy,
    subsets: list(subset),
    exportTo: list(exportTarget),
    workloadSelector,
  },
  {
    check(value, path, sink) {
      const names = value.subsets.map((entry) => entry.name);
      names.forEach((name, index) => {
        if (names.indexOf(name) !== index)
          sink.error(
            `${path}.subsets[${index}].name`,
            `${name} is there twice, and routes name subsets; give each a name of its own, or join their labels`,
          );
        if (!/^[a-z0-9A-Z]([-a-z0-9A-Z.]*[a-z0-9A-Z])?$/.test(name))
          sink.error(`${path}.subsets[${index}].name`, `"${name}" is not a name`);
      });
    },
  },
);

/** How a client treats a service: subsets, load balancing, pools, TLS. Source: istio/api networking/v1alpha3/destination_rule.proto. */
export const destinationRule: ResourceDefinition<"DestinationRule", Infer<typeof spec>> = {
  group: "networking.istio.io",
  kind: "DestinationRule",
  plural: "destinationrules",
  shortNames: ["dr"],
  categories: ["istio-io", "networking-istio-io"],
  versions: ["v1", "v1beta1", "v1alpha3"],
  scope: "Namespaced",
  spec,
  columns: [
    {
      name: "Host",
      type: "string",
      jsonPath: ".spec.host",
      description: "The name of a service from the service registry.",
    },
  ],
};

export type DestinationRule = Resource<"DestinationRule", Infer<typeof spec>>;
export type Subset = Infer<typeof subset>;
