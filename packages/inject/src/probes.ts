import type { Json, JsonObject } from "@heddle/config";
import { isObject } from "@heddle/config";
import { listAt, objectAt, textAt } from "./pod.ts";

const kinds = [
  ["livenessProbe", "livez"],
  ["readinessProbe", "readyz"],
  ["startupProbe", "startupz"],
] as const;

export interface RewrittenProbes {
  readonly pod: JsonObject;
  /** Path on the agent to the original probe: `{"/app-health/web/readyz": {"httpGet": {…}, "timeoutSeconds": 1}}`. */
  readonly probers: JsonObject | undefined;
}

/**
 * Points HTTP, TCP and gRPC probes at the agent, which carries them out inside of the pod: the kubelet has no mesh certificate,
 * and a TCP probe on a redirected port would always succeed. Source: istio pkg/kube/inject/app_probe.go.
 */
export function rewriteProbes(pod: JsonObject, statusPort: number): RewrittenProbes {
  const spec = objectAt(pod, "spec");
  const probers: Record<string, Json> = {};
  const rewrite = (container: JsonObject): JsonObject => {
    if (container["name"] === "istio-proxy") return container;
    const changes: Record<string, Json> = {};
    for (const [probeField, pathName] of kinds) {
      const probe = container[probeField];
      if (!isObject(probe)) continue;
      const original = originalProbe(probe as JsonObject, container, statusPort);
      if (original === undefined) continue;
      const path = `/app-health/${textAt(container, "name")}/${pathName}`;
      probers[path] = original;
      const { httpGet: _http, tcpSocket: _tcp, grpc: _grpc, ...rest } = probe as JsonObject;
      changes[probeField] = { ...rest, httpGet: { path, port: statusPort, scheme: "HTTP" } };
    }
    return Object.keys(changes).length === 0 ? container : { ...container, ...changes };
  };
  const sidecars = listAt(spec, "initContainers").map((container) =>
    container["restartPolicy"] === "Always" ? rewrite(container) : container,
  );
  const containers = listAt(spec, "containers").map(rewrite);
  if (Object.keys(probers).length === 0) return { pod, probers: undefined };
  const initContainers = spec["initContainers"] === undefined ? {} : { initContainers: sidecars };
  return { pod: { ...pod, spec: { ...spec, containers, ...initContainers } }, probers };
}

/** The probe with its named port resolved; undefined for exec probes and for those that already ask the agent. */
function originalProbe(probe: JsonObject, container: JsonObject, statusPort: number): JsonObject | undefined {
  const timeout = typeof probe["timeoutSeconds"] === "number" ? { timeoutSeconds: probe["timeoutSeconds"] } : {};
  for (const kind of ["httpGet", "tcpSocket", "grpc"] as const) {
    const check = probe[kind];
    if (!isObject(check)) continue;
    const port = resolvePort((check as JsonObject)["port"], container);
    if (port === undefined || port === statusPort) return undefined;
    return { [kind]: { ...(check as JsonObject), port }, ...timeout };
  }
  return undefined;
}

function resolvePort(port: Json | undefined, container: JsonObject): number | undefined {
  if (typeof port === "number") return port;
  const named = listAt(container, "ports").find((candidate) => candidate["name"] === port);
  const number =
    named?.["containerPort"] ?? (typeof port === "string" && /^\d+$/.test(port) ? Number(port) : undefined);
  return typeof number === "number" ? number : undefined;
}
