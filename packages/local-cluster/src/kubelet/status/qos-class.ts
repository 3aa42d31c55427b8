import { parseQuantity } from "../../quantity.ts";
import type { PodSpec } from "../spec/pod-spec.ts";

/** Source: Kubernetes "Pod Quality of Service Classes". */
export function qosClass(spec: PodSpec): "Guaranteed" | "Burstable" | "BestEffort" {
  const containers = [...spec.containers, ...spec.initContainers];
  const amounts = containers.flatMap(({ requests, limits }) =>
    (["cpu", "memory"] as const).map((resource) => ({
      request: parseQuantity(requests[resource] ?? limits[resource] ?? "0"),
      limit: parseQuantity(limits[resource] ?? "0"),
    })),
  );
  if (amounts.every(({ request, limit }) => !request && !limit)) return "BestEffort";
  return amounts.every(({ request, limit }) => limit !== undefined && limit > 0 && request === limit)
    ? "Guaranteed"
    : "Burstable";
}
