import { parseYamlText, readMeta, readObjects, readString, refOf } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";
import { fields } from "../pod-template.ts";

/** Networks name registries that are joined. */
export const meshNetworks: Analyzer = {
  name: "meshnetworks.MeshNetworks",
  about: "registries that meshNetworks names are clusters of the mesh",
  codes: ["IST0126"],
  analyze: (input) => {
    const { settings } = input.state;
    const joined = input
      .ofKind("", "Secret")
      .filter((object) => readMeta(object.metadata).labels["istio/multiCluster"] === "true")
      .flatMap((object) => [...Object.keys(fields(object["data"])), ...Object.keys(fields(object["stringData"]))]);
    const known = new Set([settings.clusterId, ...joined]);
    return input.ofKind("", "ConfigMap").flatMap((object) => {
      if (object.metadata.name !== "istio" || readMeta(object.metadata).namespace !== settings.rootNamespace) return [];
      const read = parseYamlText(readString(fields(object["data"])["meshNetworks"]), "meshNetworks");
      const networks = read.ok ? fields(fields(read.value)["networks"]) : {};
      return Object.entries(networks).flatMap(([network, value]) =>
        readObjects(fields(value)["endpoints"]).flatMap((endpoint, index) => {
          const registry = readString(endpoint["fromRegistry"]);
          return registry === "" || known.has(registry)
            ? []
            : [
                finding(
                  "IST0126",
                  refOf(object),
                  `data.meshNetworks: networks.${network}.endpoints[${index}].fromRegistry`,
                  `Unknown service registry ${registry} in network ${network}; known are ${[...known].join(", ")}. Join the cluster with a remote secret, or correct the name`,
                ),
              ];
        }),
      );
    });
  },
};
