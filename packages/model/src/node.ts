import { type DataPlane, isObject, type Parsed, type Problem, type StringMap } from "@heddle/config";
import { canonicalName, localityOf } from "./build-workload.ts";
import type { ProxyNode } from "./proxy-view.ts";

/**
 * Reads the node of a discovery request: id `sidecar~<ip>~<pod>.<namespace>~<namespace>.svc.<domain>` and Istio's metadata keys.
 * @param metadata The metadata Struct as plain JSON.
 * @param userAgent `node.user_agent_name`; real Envoy says `envoy`.
 */
export function readProxyNode(id: string, metadata: unknown, userAgent = ""): Parsed<ProxyNode> {
  const problem = (path: string, reason: string): Parsed<ProxyNode> => {
    const found: Problem = { path, reason, source: `proxy ${id === "" ? "(without id)" : id}`, severity: "error" };
    return { ok: false, problems: [found] };
  };
  const parts = id.split("~");
  const [kind, ip = "", instance = "", suffix = ""] = parts;
  if (parts.length !== 4)
    return problem("node.id", "has to be of the form sidecar~<ip>~<pod>.<namespace>~<dns suffix>");
  if (kind !== "sidecar" && kind !== "router")
    return problem("node.id", `kind ${kind} is not known; use sidecar or router`);
  const dot = instance.lastIndexOf(".");
  if (dot < 1 || ip === "") return problem("node.id", "lacks the address, or the pod's name and namespace");
  const meta = isObject(metadata) ? metadata : {};
  const text = (key: string): string => (typeof meta[key] === "string" ? meta[key] : "");
  const namespace = instance.slice(dot + 1);
  if (text("NAMESPACE") !== "" && text("NAMESPACE") !== namespace) {
    return problem("node.metadata.NAMESPACE", `says ${text("NAMESPACE")}, the id says ${namespace}`);
  }
  const labels = strings(meta["LABELS"]);
  const annotations = strings(meta["ANNOTATIONS"]);
  const config = isObject(meta["PROXY_CONFIG"]) ? meta["PROXY_CONFIG"] : {};
  const name = instance.slice(0, dot);
  const interception = [text("INTERCEPTION_MODE"), config["interceptionMode"]].find(
    (mode) => mode === "NONE" || mode === "TPROXY",
  );
  return {
    ok: true,
    warnings: [],
    value: {
      kind,
      ip,
      name,
      namespace,
      serviceAccount: text("SERVICE_ACCOUNT") || "default",
      labels,
      workloadName: text("WORKLOAD_NAME") || canonicalName(labels, name),
      clusterId: text("CLUSTER_ID"),
      network: text("NETWORK"),
      locality: localityOf(labels, undefined),
      dataPlane: dataPlaneOf(text("HEDDLE_DATA_PLANE"), annotations, userAgent),
      domain: suffix.startsWith(`${namespace}.svc.`) ? suffix.slice(namespace.length + 5) : "cluster.local",
      version: text("ISTIO_VERSION"),
      metadata: strings(metadata),
      proxyless: text("GENERATOR") === "grpc",
      dnsCapture: text("DNS_CAPTURE") === "true",
      ipv6: `${ip},${text("INSTANCE_IPS")}`.includes(":"),
      interception: interception === "NONE" || interception === "TPROXY" ? interception : "REDIRECT",
    },
  };
}

/** Real Envoy gets no filters that only the built-in proxy (or Istio's build of Envoy) has. */
function dataPlaneOf(metadata: string, annotations: StringMap, userAgent: string): DataPlane {
  const said = metadata || annotations["heddle.io/data-plane"] || userAgent;
  return said === "envoy" ? "envoy" : "heddle";
}

function strings(value: unknown): StringMap {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
