import type { ServiceView } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

/** Services of one name are one service of the mesh: what their clusters say differently, callers see differently. */
export const multiClusterServices: Analyzer = {
  name: "services.MultiClusterServiceAnalyzer",
  about: "Services of one name are alike in all clusters of the mesh",
  codes: ["IST0170"],
  analyze: ({ options, state }) =>
    [...state.objects.services.values()].flatMap((own) => {
      const { namespace, name } = own.meta;
      const unlike = (options.otherClusters ?? []).flatMap((cluster) => {
        const other = cluster.services.find(({ meta }) => meta.namespace === namespace && meta.name === name);
        const reasons = other === undefined ? [] : differences(own, other);
        return reasons.length > 0 ? [{ name: cluster.name, reasons }] : [];
      });
      if (unlike.length === 0) return [];
      const clusters = unlike.map((cluster) => cluster.name).join(", ");
      const reasons = [...new Set(unlike.flatMap((cluster) => cluster.reasons))].join("; ");
      return [
        finding(
          "IST0170",
          { group: "", kind: "Service", namespace, name },
          "",
          `The service ${name} in namespace "${namespace}" is inconsistent across clusters "this cluster, ${clusters}", which can lead to undefined behaviors. The inconsistent behaviors are: ${reasons}`,
        ),
      ];
    }),
};

function differences(one: ServiceView, other: ServiceView): readonly string[] {
  return [
    ...(one.headless === other.headless ? [] : ["service has mixed mode like headless and clusterIP"]),
    ...(one.type === other.type ? [] : [`service type is inconsistent (${one.type} here, ${other.type} there)`]),
    ...(portsText(one) === portsText(other)
      ? []
      : [`service ports are inconsistent (${portsText(one)} here, ${portsText(other)} there)`]),
  ];
}

/** Node ports are each cluster's own. */
function portsText({ ports }: ServiceView): string {
  return ports
    .map(({ name, port, targetPort, protocol, appProtocol }) =>
      [name, `${port}→${targetPort}`, protocol, appProtocol].filter((part) => part !== "").join(" "),
    )
    .sort()
    .join(", ");
}
