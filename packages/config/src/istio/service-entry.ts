import { list, message } from "../schema/compound.ts";
import type { Resource, ResourceDefinition } from "../schema/resource.ts";
import { oneOf, oneOfBut, port, string } from "../schema/scalar.ts";
import { type Infer, required, withDefault } from "../schema/schema.ts";
import { cidr, exportTarget, hostPattern, portProtocol } from "./hosts.ts";
import { networkingSelector } from "./selector.ts";
import { workloadEntrySpec } from "./workload-entry.ts";

const servicePort = message("ServicePort", {
  number: required(port()),
  protocol: withDefault(portProtocol, ""),
  name: required(string()),
  targetPort: port(),
});

const spec = message(
  "ServiceEntry",
  {
    hosts: list(hostPattern),
    addresses: list(cidr),
    ports: list(servicePort),
    location: withDefault(oneOf("MESH_EXTERNAL", "MESH_INTERNAL"), "MESH_EXTERNAL"),
    resolution: withDefault(
      oneOfBut(["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN"], {
        DYNAMIC_DNS:
          "proxies do not look up the names that requests carry; use NONE, with which a connection goes on to the address that the application looked up",
      }),
      "NONE",
    ),
    endpoints: list(workloadEntrySpec),
    workloadSelector: networkingSelector,
    exportTo: list(exportTarget),
    subjectAltNames: list(string()),
  },
  {
    check(value, path, sink) {
      if (value.hosts.length === 0) sink.error(`${path}.hosts`, "needs at least one host");
      if (value.hosts.includes("*"))
        sink.error(
          `${path}.hosts`,
          '"*" would take over all traffic; name the hosts, or a domain such as *.example.com',
        );
      if (value.workloadSelector !== undefined && value.endpoints.length > 0)
        sink.error(path, "only one of endpoints, workloadSelector may be set");
      const seen = new Set<string>();
      value.ports.forEach((entry, index) => {
        for (const key of [entry.name, `#${entry.number}`]) {
          if (seen.has(key))
            sink.error(
              `${path}.ports[${index}]`,
              `${key.startsWith("#") ? `port ${key.slice(1)}` : `name ${key}`} is there twice`,
            );
          seen.add(key);
        }
      });
      if (value.resolution === "NONE" && value.endpoints.length > 0)
        sink.error(`${path}.endpoints`, "are not used with resolution NONE; choose STATIC or DNS");
      if (
        value.resolution === "DNS" &&
        value.endpoints.length === 0 &&
        value.hosts.some((host) => host.startsWith("*"))
      ) {
        sink.error(`${path}.hosts`, "a wildcard host can't be resolved by DNS; give endpoints, or use resolution NONE");
      }
      value.endpoints.forEach((endpoint, index) => {
        if (endpoint.address === undefined) sink.error(`${path}.endpoints[${index}].address`, "is required");
      });
    },
  },
);

/** Adds services to the mesh's registry. Source: istio/api networking/v1alpha3/service_entry.proto. */
export const serviceEntry: ResourceDefinition<"ServiceEntry", Infer<typeof spec>> = {
  group: "networking.istio.io",
  kind: "ServiceEntry",
  plural: "serviceentries",
  shortNames: ["se"],
  categories: ["istio-io", "networking-istio-io"],
  versions: ["v1", "v1beta1", "v1alpha3"],
  scope: "Namespaced",
  spec,
  columns: [
    {
      name: "Hosts",
      type: "string",
      jsonPath: ".spec.hosts",
      description: "The hosts associated with the ServiceEntry.",
    },
    {
      name: "Location",
      type: "string",
      jsonPath: ".spec.location",
      description: "Whether the service is part of the mesh or outside of it.",
    },
    {
      name: "Resolution",
      type: "string",
      jsonPath: ".spec.resolution",
      description: "Service resolution mode for the hosts.",
    },
  ],
};

export type ServiceEntry = Resource<"ServiceEntry", Infer<typeof spec>>;
