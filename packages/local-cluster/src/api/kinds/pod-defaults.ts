import { at, child, childIfAny, children, type Draft, isEmpty, text } from "../json/json-value.ts";

/** Sets a field that is absent. */
export function fill(draft: Draft, key: string, value: unknown): void {
  if (draft[key] === undefined) draft[key] = value;
}

function probeDefaults(probe: Draft | undefined): void {
  if (!probe) return;
  fill(probe, "timeoutSeconds", 1);
  fill(probe, "periodSeconds", 10);
  fill(probe, "successThreshold", 1);
  fill(probe, "failureThreshold", 3);
  handlerDefaults(probe);
}

function handlerDefaults(handler: Draft | undefined): void {
  if (!handler) return;
  const http = childIfAny(handler, "httpGet");
  if (http) {
    fill(http, "path", "/");
    fill(http, "scheme", "HTTP");
  }
  const grpc = childIfAny(handler, "grpc");
  if (grpc) fill(grpc, "service", "");
}

/** `latest` and no tag mean Always. */
function pullPolicy(image: string): string {
  const name = image.split("/").at(-1) ?? "";
  if (name.includes("@")) return "IfNotPresent";
  const tag = name.split(":")[1];
  return tag === undefined || tag === "latest" ? "Always" : "IfNotPresent";
}

function containerDefaults(container: Draft): void {
  fill(container, "terminationMessagePath", "/dev/termination-log");
  fill(container, "terminationMessagePolicy", "File");
  fill(container, "resources", {});
  if (isEmpty(container["imagePullPolicy"])) container["imagePullPolicy"] = pullPolicy(text(container["image"]));
  for (const port of children(container, "ports")) fill(port, "protocol", "TCP");
  for (const variable of children(container, "env")) {
    const source = childIfAny(variable, "valueFrom");
    const field = source && childIfAny(source, "fieldRef");
    if (field) fill(field, "apiVersion", "v1");
  }
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe"]) probeDefaults(childIfAny(container, name));
  const lifecycle = childIfAny(container, "lifecycle");
  if (lifecycle) {
    handlerDefaults(childIfAny(lifecycle, "preStop"));
    handlerDefaults(childIfAny(lifecycle, "postStart"));
  }
  const resources = childIfAny(container, "resources");
  const limits = resources && childIfAny(resources, "limits");
  if (resources && limits) {
    const requests = child(resources, "requests");
    for (const [name, amount] of Object.entries(limits)) fill(requests, name, amount);
    if (Object.keys(requests).length === 0) delete resources["requests"];
  }
}

function fieldItems(holder: Draft | undefined): void {
  if (!holder) return;
  for (const item of children(holder, "items")) {
    const field = childIfAny(item, "fieldRef");
    if (field) fill(field, "apiVersion", "v1");
  }
}

function volumeDefaults(volume: Draft): void {
  const source = Object.keys(volume).some((key) => key !== "name");
  if (!source) volume["emptyDir"] = {};
  for (const name of ["secret", "configMap", "downwardAPI", "projected"]) {
    const holder = childIfAny(volume, name);
    if (!holder) continue;
    fill(holder, "defaultMode", 420);
    if (name === "downwardAPI") fieldItems(holder);
  }
  const host = childIfAny(volume, "hostPath");
  if (host) fill(host, "type", "");
  const projected = childIfAny(volume, "projected");
  if (!projected) return;
  for (const part of children(projected, "sources")) {
    const token = childIfAny(part, "serviceAccountToken");
    if (token) fill(token, "expirationSeconds", 3600);
    fieldItems(childIfAny(part, "downwardAPI"));
  }
}

/** The defaults of a pod's or pod template's spec. */
export function podSpecDefaults(spec: Draft): void {
  fill(spec, "restartPolicy", "Always");
  fill(spec, "terminationGracePeriodSeconds", 30);
  fill(spec, "dnsPolicy", "ClusterFirst");
  fill(spec, "securityContext", {});
  fill(spec, "schedulerName", "default-scheduler");
  // The older name of the field follows the newer one.
  const account = text(spec["serviceAccountName"]) || text(spec["serviceAccount"]);
  if (account !== "") {
    spec["serviceAccountName"] = account;
    spec["serviceAccount"] = account;
  }
  if (spec["hostNetwork"] === false) delete spec["hostNetwork"];
  if (spec["shareProcessNamespace"] === false && at(spec, "shareProcessNamespace") === undefined)
    delete spec["shareProcessNamespace"];
  for (const list of ["initContainers", "containers", "ephemeralContainers"]) {
    for (const container of children(spec, list)) containerDefaults(container);
  }
  for (const volume of children(spec, "volumes")) volumeDefaults(volume);
}

export function podDefaults(draft: Draft): void {
  const spec = childIfAny(draft, "spec");
  if (!spec) return;
  podSpecDefaults(spec);
  fill(spec, "enableServiceLinks", true);
  const status = child(draft, "status");
  fill(status, "phase", "Pending");
  fill(status, "qosClass", qosClass(draft));
}

function resourceNames(container: Draft, kind: "limits" | "requests"): readonly string[] {
  const amounts = at(container, "resources", kind);
  if (typeof amounts !== "object" || amounts === null) return [];
  return Object.entries(amounts)
    .filter(([name, amount]) => (name === "cpu" || name === "memory") && amount !== "0")
    .map(([name]) => name);
}

/** Guaranteed, Burstable or BestEffort, from the containers' resources. */
export function qosClass(pod: Draft): string {
  const spec = childIfAny(pod, "spec");
  const all = spec ? [...children(spec, "containers"), ...children(spec, "initContainers")] : [];
  if (
    all.every(
      (container) => resourceNames(container, "limits").length + resourceNames(container, "requests").length === 0,
    )
  ) {
    return "BestEffort";
  }
  const guaranteed = all.every(
    (container) =>
      resourceNames(container, "limits").length === 2 &&
      ["cpu", "memory"].every(
        (name) => at(container, "resources", "limits", name) === at(container, "resources", "requests", name),
      ),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}
