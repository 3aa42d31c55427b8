import type { JsonObject } from "@heddle/config";
import type { InjectContext } from "./context.ts";
import type { SidecarOptions } from "./options.ts";

/** Ports of the sidecar itself, never redirected inbound. */
const sidecarPorts = ["15090", "15021", "15020"] as const;

/** Init container `istio-init`: redirects the pod's TCP traffic to the sidecar. Flags are those of Istio's istio-iptables. */
export function interceptContainer(options: SidecarOptions, context: InjectContext): JsonObject {
  const excluded = [
    ...new Set([...sidecarPorts, String(options.statusPort), ...options.excludeInboundPorts.split(",")]),
  ];
  const metadata = Object.entries(options.proxyMetadata).map(([name, value]) => ({ name, value }));
  return {
    name: "istio-init",
    // The packet rules come from the program of the built-in image, whatever the data plane.
    image: context.values.global.proxy.image,
    imagePullPolicy: options.imagePullPolicy,
    args: [
      "intercept",
      "-p",
      "15001",
      "-z",
      "15006",
      "-u",
      String(options.uid),
      "-g",
      String(options.gid),
      "-m",
      options.interceptionMode,
      "-i",
      options.includeOutboundCidrs,
      "-x",
      options.excludeOutboundCidrs,
      "-b",
      options.includeInboundPorts,
      "-d",
      excluded.filter((port) => port !== "").join(","),
      "-o",
      options.excludeOutboundPorts,
      "-c",
      options.excludeInterfaces,
      ...(options.virtualInterfaces === "" ? [] : ["-k", options.virtualInterfaces]),
      ...(options.includeOutboundPorts === "" ? [] : ["-q", options.includeOutboundPorts]),
    ],
    ...(metadata.length === 0 ? {} : { env: metadata }),
    resources: options.resources,
    // What it could not do is then said in the pod's status too.
    terminationMessagePolicy: "FallbackToLogsOnError",
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: false,
      runAsUser: 0,
      runAsGroup: 0,
      runAsNonRoot: false,
    },
  };
}
