import type { MeshPort, MeshService } from "@heddle/model";

/** The name of a cluster in statistics, from a pattern such as `%SERVICE%_%SERVICE_PORT%`. Default: "", the cluster's own name. */
export function statName(pattern: string, service: MeshService, port: MeshPort, subset: string): string {
  const values: Readonly<Record<string, string>> = {
    "%SERVICE%": service.source.kind === "Service" ? `${service.name}.${service.namespace}` : service.hostname,
    "%SERVICE_NAME%": service.name,
    "%SERVICE_FQDN%": service.hostname,
    "%SERVICE_PORT%": String(port.number),
    "%TARGET_PORT%": String(port.target),
    "%SERVICE_PORT_NAME%": port.name,
    "%SUBSET_NAME%": subset,
  };
  return pattern.replace(/%[A-Z_]+%/g, (key) => values[key] ?? key);
}
