import { parseClusterName } from "@heddle/model";
import { at, type JsonRecord, numberOf, recordOf, textOf } from "@heddle/std";
import { has, recordsOf, textsOf } from "./json.ts";
import { decisionsOf, type Origin, sourcesOf } from "./origin.ts";
import type { ProxyConfigJson } from "./proxy-config.ts";
import type { Step } from "./step.ts";

/** How the connection to an endpoint is made. */
export interface Transport {
  readonly kind: "plain text" | "mesh mTLS" | "TLS";
  readonly serverName: string;
  readonly protocols: readonly string[];
}

/** Endpoints that a cluster may choose among; `share` is by weight. */
export interface ChosenEndpoint {
  readonly ip: string;
  readonly port: number;
  readonly share: number;
  readonly transport: Transport;
}

export interface ClusterWalk {
  readonly steps: readonly Step[];
  readonly endpoints: readonly ChosenEndpoint[];
  /** Why there is no endpoint. */
  readonly failure?: { readonly flag: string; readonly reason: string };
}

/** @param dialled Where the connection was going, for clusters that keep it. */
export function walkCluster(
  config: ProxyConfigJson,
  name: string,
  dialled: { readonly ip: string | undefined; readonly port: number },
): ClusterWalk {
  const cluster = config.clusters.find((one) => one["name"] === name);
  if (cluster === undefined) {
    const reason = `there is no cluster ${name}: ${absence(config, name)}`;
    return { steps: [], endpoints: [], failure: { flag: "NC", reason } };
  }
  const decided = decisionsOf(cluster);
  const type = textOf(cluster["type"]) || "STATIC";
  const policy = textOf(cluster["lb_policy"]) || "ROUND_ROBIN";
  const step: Step = {
    side: "client",
    stage: "cluster",
    name,
    because: typeText(type),
    decidedBy: distinct([...sourcesOf(cluster), ...(decided["subset"] === undefined ? [] : [decided["subset"]])]),
    details: clusterDetails(cluster, policy, decided),
  };
  if (name === "BlackHoleCluster")
    return {
      steps: [step],
      endpoints: [],
      failure: {
        flag: "UH",
        reason:
          "BlackHoleCluster leads nowhere on purpose: outboundTrafficPolicy allows only what the registry has, and that port of that host is not in it",
      },
    };
  if (type === "ORIGINAL_DST") {
    const override = numberOf(at(cluster, "original_dst_lb_config", "upstream_port_override"));
    const port = override || dialled.port;
    const transport = transportOf(cluster, {});
    return { steps: [step], endpoints: [{ ip: dialled.ip ?? "", port, share: 1, transport }] };
  }
  const assignment =
    type === "EDS"
      ? config.endpoints.find(
          (one) => one["cluster_name"] === (textOf(at(cluster, "eds_cluster_config", "service_name")) || name),
        )
      : recordOf(cluster["load_assignment"]);
  const localities = recordsOf(assignment?.["endpoints"]);
  const usable = localities.flatMap((group) =>
    recordsOf(group["lb_endpoints"])
      .filter((one) => ["", "UNKNOWN", "HEALTHY", "DEGRADED"].includes(textOf(one["health_status"])))
      .map((one) => ({ one, priority: numberOf(group["priority"]), weight: endpointWeight(one) * groupWeight(group) })),
  );
  if (usable.length === 0) {
    const reason = `cluster ${name} has no endpoint that is ready: look at the pods behind it${name.split("|")[2] ? " and at the labels of its subset" : ""}`;
    return { steps: [step], endpoints: [], failure: { flag: "UH", reason } };
  }
  const first = Math.min(...usable.map(({ priority }) => priority));
  const chosen = usable.filter(({ priority }) => priority === first);
  const total = chosen.reduce((sum, { weight }) => sum + weight, 0);
  const endpoints = chosen.map(({ one, weight }) => {
    const socket = recordOf(at(one, "endpoint", "address", "socket_address"));
    return {
      ip: textOf(socket["address"]),
      port: numberOf(socket["port_value"]),
      share: weight / total,
      transport: transportOf(cluster, recordOf(at(one, "metadata", "filter_metadata", "envoy.transport_socket_match"))),
    };
  });
  return { steps: [step], endpoints };
}

/** What of a cluster's name is not there, by the clusters that are. */
function absence(config: ProxyConfigJson, name: string): string {
  const wanted = parseClusterName(name);
  const known = config.clusters.flatMap((one) => parseClusterName(textOf(one["name"])) ?? []);
  const ofHost = known.filter(({ direction, hostname }) => direction === "outbound" && hostname === wanted?.hostname);
  if (wanted === undefined || ofHost.length === 0)
    return `no Service or ServiceEntry that this proxy may see is called ${wanted?.hostname ?? name}: a typing error, or exportTo or a Sidecar's egress hides it`;
  const ports = [...new Set(ofHost.map(({ port }) => port))];
  if (!ports.includes(wanted.port)) return `${wanted.hostname} has no port ${wanted.port}, only ${ports.join(", ")}`;
  const subsets = ofHost
    .filter(({ port, subset }) => port === wanted.port && subset !== "")
    .map(({ subset }) => subset);
  return `no DestinationRule that this proxy may see gives ${wanted.hostname} a subset ${wanted.subset}${subsets.length === 0 ? "" : `, only ${subsets.join(", ")}`}`;
}

function endpointWeight(one: JsonRecord): number {
  return numberOf(one["load_balancing_weight"]) || 1;
}

/** Weights of localities count over those of their endpoints. */
function groupWeight(group: JsonRecord): number {
  const own = numberOf(group["load_balancing_weight"]);
  const sum = recordsOf(group["lb_endpoints"]).reduce((total, one) => total + endpointWeight(one), 0);
  return own === 0 || sum === 0 ? 1 : own / sum;
}

function typeText(type: string): string {
  switch (type) {
    case "EDS":
      return "its endpoints come from the control plane";
    case "ORIGINAL_DST":
      return "the connection goes on to where it was going";
    case "STRICT_DNS":
    case "LOGICAL_DNS":
      return "its endpoints are found by DNS";
    default:
      return "its endpoints are fixed";
  }
}

function clusterDetails(
  cluster: JsonRecord,
  policy: string,
  decided: Readonly<Record<string, Origin>>,
): readonly string[] {
  const by = (what: string): string => {
    const origin = decided[what];
    return origin === undefined ? "" : `, decided by ${origin.object} ${origin.path ?? ""}`;
  };
  const limits = recordsOf(at(cluster, "circuit_breakers", "thresholds"))[0] ?? {};
  const bounded = Object.entries(limits).filter(
    ([key, value]) => key.startsWith("max_") && numberOf(value) > 0 && numberOf(value) < 4_294_967_295,
  );
  return [
    ...(policy === "CLUSTER_PROVIDED" ? [] : [`load balancing ${policy}${by("loadBalancer")}`]),
    ...(bounded.length === 0
      ? []
      : [`limits ${bounded.map(([key, value]) => `${key} ${textOf(value)}`).join(", ")}${by("connectionPool")}`]),
    ...(has(cluster, "outlier_detection") ? [`outlier detection${by("outlierDetection")}`] : []),
    ...(decided["tls"] === undefined ? [] : [`TLS settings${by("tls")}`]),
  ];
}

function transportOf(cluster: JsonRecord, endpoint: JsonRecord): Transport {
  const match = recordsOf(cluster["transport_socket_matches"]).find((one) =>
    Object.entries(recordOf(one["match"])).every(([key, value]) => endpoint[key] === value),
  );
  return socketTransport(recordOf(match?.["transport_socket"] ?? cluster["transport_socket"]));
}

function socketTransport(socket: JsonRecord): Transport {
  const config = recordOf(socket["typed_config"]);
  const inner = config["transport_socket"];
  if (inner !== undefined) return socketTransport(recordOf(inner));
  const common = at(config, "common_tls_context");
  if (common === undefined) return { kind: "plain text", serverName: "", protocols: [] };
  const own = recordsOf(at(common, "tls_certificate_sds_secret_configs")).some((one) => one["name"] === "default");
  const roots = textOf(at(common, "combined_validation_context", "validation_context_sds_secret_config", "name"));
  return {
    kind: own && roots === "ROOTCA" ? "mesh mTLS" : "TLS",
    serverName: textOf(config["sni"]),
    protocols: textsOf(at(common, "alpn_protocols")),
  };
}

export function distinct(origins: readonly Origin[]): readonly Origin[] {
  const withPath = new Set(origins.filter(({ path }) => path !== undefined).map(({ object }) => object));
  const seen = new Set<string>();
  return origins.filter(({ object, path }) => {
    const key = `${object} ${path ?? ""}`;
    if (seen.has(key) || (path === undefined && withPath.has(object))) return false;
    seen.add(key);
    return true;
  });
}
