import { at, type JsonRecord, textOf } from "@heddle/std";

/** `outbound|8080|v1|host` → its parts; other names have none. */
export function clusterParts(name: string): { direction: string; port: string; subset: string; host: string } {
  const [direction = "", port = "", subset = "", host = ""] = name.split("|");
  return name.includes("|") ? { direction, port, subset, host } : { direction: "", port: "", subset: "", host: name };
}

export const CLUSTER_HEADER = ["SERVICE FQDN", "PORT", "SUBSET", "DIRECTION", "TYPE", "DESTINATION RULE"] as const;

export function clusterRows(clusters: readonly JsonRecord[]): string[][] {
  return clusters
    .map((c) => {
      const { direction, port, subset, host } = clusterParts(textOf(c["name"]));
      const rule = textOf(at(c, "metadata", "filter_metadata", "istio", "config")).split("/destination-rule/")[1] ?? "";
      const type = textOf(c["type"]) || "STATIC";
      return [host, port || "-", subset || "-", direction || "-", type, rule];
    })
    .sort((a, b) => a.join("\u0000").localeCompare(b.join("\u0000")));
}
