import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

/** Native sidecars and CRDs with defaults need it. */
const oldest = 28;

export const kubernetesVersion: Analyzer = {
  name: "kubernetes.Version",
  about: `the API server is Kubernetes 1.${oldest} or newer`,
  codes: ["IST0142"],
  analyze: ({ options }) => {
    const version = options.kubernetesVersion ?? "";
    const match = /^v?(\d+)\.(\d+)/.exec(version);
    if (match === null || Number(match[1]) > 1 || Number(match[2]) >= oldest) return [];
    const cluster = { group: "", kind: "Cluster", namespace: "", name: "kubernetes" };
    return [
      finding(
        "IST0142",
        cluster,
        "",
        `The Kubernetes Version ${version} is lower than the minimum version: v1.${oldest}; upgrade the cluster`,
      ),
    ];
  },
};
