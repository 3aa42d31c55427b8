import type { KubeObject } from "../../contract/index.ts";
import { divideQuantity } from "../../quantity.ts";
import type { ContainerSpec } from "../spec/container-spec.ts";
import { fieldsOf, textOr } from "../spec/decode.ts";

/** What the downward API can tell. */
export interface PodFacts {
  readonly pod: KubeObject;
  readonly podIp: string;
  readonly hostIp: string;
  /** Limits of a container without its own. */
  readonly allocatable: Readonly<Record<string, string>>;
}

export type FieldResult =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "unknown"; readonly message: string };

/** As `%q` of Go writes it, which the kubelet uses for label and annotation files. */
const quoted = (value: string): string => JSON.stringify(value);

const lines = (map: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${quoted(value)}`)
    .join("\n");

/** Evaluates a `fieldRef`. Errors: `unknown` for a path that the downward API doesn't offer. */
export function podField(path: string, facts: PodFacts): FieldResult {
  const { metadata } = facts.pod;
  const keyed = /^metadata\.(labels|annotations)\['([^']*)'\]$/.exec(path);
  if (keyed) {
    const map = keyed[1] === "labels" ? metadata.labels : metadata.annotations;
    return { kind: "value", value: map?.[keyed[2] ?? ""] ?? "" };
  }
  const spec = fieldsOf(facts.pod["spec"]);
  const values: Readonly<Record<string, () => string>> = {
    "metadata.name": () => metadata.name,
    "metadata.namespace": () => metadata.namespace ?? "",
    "metadata.uid": () => metadata.uid ?? "",
    "metadata.labels": () => lines(metadata.labels),
    "metadata.annotations": () => lines(metadata.annotations),
    "spec.nodeName": () => textOr(spec["nodeName"], ""),
    "spec.serviceAccountName": () => textOr(spec["serviceAccountName"], "default"),
    "status.hostIP": () => facts.hostIp,
    "status.hostIPs": () => facts.hostIp,
    "status.podIP": () => facts.podIp,
    "status.podIPs": () => facts.podIp,
  };
  const value = values[path];
  return value ? { kind: "value", value: value() } : { kind: "unknown", message: `unsupported fieldPath: ${path}` };
}

/** Evaluates a `resourceFieldRef` of `container`. */
export function resourceField(
  resource: string,
  divisor: string,
  container: ContainerSpec | undefined,
  facts: PodFacts,
): FieldResult {
  const [list = "", ...rest] = resource.split(".");
  const name = rest.join(".");
  if (!container || (list !== "limits" && list !== "requests"))
    return { kind: "unknown", message: `unsupported container resource: ${resource}` };
  const quantity =
    container[list][name] ?? (list === "limits" ? facts.allocatable[name] : container.limits[name]) ?? "0";
  const value = divideQuantity(quantity, divisor);
  return value === undefined
    ? { kind: "unknown", message: `resource ${resource}: "${quantity}" is no quantity` }
    : { kind: "value", value };
}
