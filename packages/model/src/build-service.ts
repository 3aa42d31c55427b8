import type { Meta, NamespaceView, ServiceView } from "@heddle/config";
import { HEADLESS_MIRROR, MIRRORED, REMOTE_NAME } from "./mirror/names.ts";
import { selectProtocol } from "./protocol.ts";
import type { MeshService } from "./service.ts";
import type { MeshSettings } from "./settings.ts";

export function hostnameOf(name: string, namespace: string, domain: string): string {
  return `${name}.${namespace}.svc.${domain}`;
}

/** Port numbers and ranges of Linkerd's opaque-ports annotation: `25,3306,9000-9010`; words name ports. */
export function parsePortList(text: string | undefined): (number: number, name: string) => boolean {
  const entries = (text ?? "").split(",").map((entry) => entry.trim());
  const ranges: (readonly [number, number])[] = [];
  const names = new Set<string>();
  for (const entry of entries) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(entry);
    if (match !== null) ranges.push([Number(match[1]), Number(match[2] ?? match[1])]);
    else if (entry !== "") names.add(entry);
  }
  return (number, name) => names.has(name) || ranges.some(([from, to]) => number >= from && number <= to);
}

function exportTo(annotation: string | undefined, fallback: readonly string[]): readonly string[] {
  const listed = (annotation ?? "")
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  return listed.length > 0 ? listed : fallback;
}

/**
 * A Kubernetes Service as a mesh service.
 * @param identities SPIFFE ids of the pods that it selects.
 */
export function meshServiceOf(
  view: ServiceView,
  namespace: NamespaceView | undefined,
  identities: readonly string[],
  settings: MeshSettings,
): MeshService {
  const { meta } = view;
  const annotation =
    meta.annotations["config.linkerd.io/opaque-ports"] ?? namespace?.meta.annotations["config.linkerd.io/opaque-ports"];
  const isOpaque = parsePortList(annotation);
  return {
    hostname: hostnameOf(meta.name, meta.namespace, settings.domain),
    name: meta.name,
    namespace: meta.namespace,
    resolution: view.type === "ExternalName" ? "dns" : "endpoints",
    addresses: view.clusterIps,
    autoAddresses: [],
    headless: view.headless,
    dnsTargets: view.type === "ExternalName" ? [{ address: view.externalName, ports: {}, weight: 1 }] : [],
    ports: view.ports.map((port) => ({
      name: port.name,
      number: port.port,
      target: port.targetPort,
      protocol: selectProtocol({
        name: port.name,
        number: port.port,
        transport: port.protocol,
        appProtocol: port.appProtocol,
        opaque: isOpaque(port.port, port.name),
      }),
    })),
    labels: meta.labels,
    selector: view.selector,
    exportTo: exportTo(meta.annotations["networking.istio.io/exportTo"], settings.mesh.defaultServiceExportTo),
    identities,
    preferClose: isClose(
      meta.annotations[distribution] ?? (view.trafficDistribution || namespace?.meta.annotations[distribution]),
    ),
    external: false,
    ...mirrorNames(meta, settings),
    source: { group: "", kind: "Service", namespace: meta.namespace, name: meta.name },
    creationTimestamp: meta.creationTimestamp,
  };
}

function mirrorNames(
  { labels, annotations, namespace }: Meta,
  { domain }: MeshSettings,
): Pick<MeshService, "remoteName" | "podName"> {
  const remoteName = annotations[REMOTE_NAME];
  if (labels[MIRRORED] !== "true" || remoteName === undefined) return {};
  const headless = labels[HEADLESS_MIRROR];
  if (headless === undefined) return { remoteName };
  const [pod = ""] = remoteName.split(".");
  return { remoteName, podName: `${pod}.${hostnameOf(headless, namespace, domain)}` };
}

const distribution = "networking.istio.io/traffic-distribution";

/** `PreferClose` and its newer names; what is finer than a zone is treated as one. */
export function isClose(text: string | undefined): boolean {
  return ["preferclose", "prefersamezone", "prefersamenode"].includes((text ?? "").toLowerCase());
}

/** True when a proxy in `namespace` may see the service. */
export function isVisible(service: MeshService, namespace: string): boolean {
  return service.exportTo.some(
    (target) => target === "*" || target === namespace || (target === "." && service.namespace === namespace),
  );
}
