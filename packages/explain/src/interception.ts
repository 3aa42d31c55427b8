import { isInRange } from "@heddle/std";

const prefix = "traffic.sidecar.istio.io/";

/** Why a pod's outgoing connection is not redirected to its sidecar; undefined when it is. Source: istio-iptables' rules. */
export function bypassReason(
  annotations: Readonly<Record<string, string>>,
  ip: string | undefined,
  port: number,
): string | undefined {
  const list = (name: string): readonly string[] =>
    (annotations[`${prefix}${name}`] ?? "")
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== "");
  const says = (name: string): string =>
    `annotation ${prefix}${name} of the pod says "${annotations[`${prefix}${name}`]}"`;
  if (ip !== undefined && ["127.0.0.1", "::1"].includes(ip)) return "the pod's loopback is never redirected";
  const linkerd = (annotations["config.linkerd.io/skip-outbound-ports"] ?? "").split(",").map((one) => one.trim());
  if (list("excludeOutboundPorts").includes(String(port))) return says("excludeOutboundPorts");
  if (linkerd.includes(String(port)))
    return `annotation config.linkerd.io/skip-outbound-ports of the pod names ${port}`;
  if (list("includeOutboundPorts").some((one) => one === "*" || one === String(port))) return undefined;
  if (ip === undefined) return undefined;
  if (list("excludeOutboundIPRanges").some((range) => isInRange(ip, range))) return says("excludeOutboundIPRanges");
  const included = list("includeOutboundIPRanges");
  if (annotations[`${prefix}includeOutboundIPRanges`] === undefined || included.includes("*")) return undefined;
  return included.some((range) => isInRange(ip, range)) ? undefined : says("includeOutboundIPRanges");
}
